#pragma once
#include "engine/model/tensor_type.h"

#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace moescope::model {

/// A tensor inside a mapped GGUF file. data stays valid as long as the file object.
struct TensorView {
    std::string_view name;
    TensorType type = TensorType::F32;
    int dims = 0;
    std::array<std::int64_t, 4> ne{1, 1, 1, 1}; ///< ne[0] is contiguous (GGUF order, reverse of PyTorch)
    const std::byte* data = nullptr;
    std::int64_t bytes = 0;

    std::int64_t rowBytes() const; ///< one run of ne[0]
    const std::byte* row(std::int64_t index) const { return data + index * rowBytes(); }
    /// Matrix `index` of a {ne0, ne1, n} tensor: ne0*ne1 elements.
    TensorView slice(std::int64_t index) const;
};

struct GgufDirectory;

/// A memory-mapped GGUF v2/v3 file, or all files of a split one (<base>-00001-of-00003.gguf: opening the first opens all).
/// Untrusted input: every offset, size and count is checked before use (format: ggml docs/gguf.md, llama-gguf-split). Throws
/// std::runtime_error: one sentence naming file, tensor or key, and reason. Read-only: any thread.
class GgufFile {
public:
    explicit GgufFile(const std::filesystem::path& path);
    /// Parses bytes that the caller keeps alive (tests, fuzzing); name is used in messages.
    GgufFile(std::span<const std::byte> bytes, std::string name);
    ~GgufFile();
    GgufFile(GgufFile&&) noexcept;

    const std::string& name() const; ///< of the first part
    int parts() const;
    /// The metadata as it lies in the (first) file, for whoever copies it.
    const GgufDirectory& directory() const;
    std::int64_t fileBytes() const; ///< of all parts
    std::span<const TensorView> tensors() const;
    const TensorView* find(std::string_view tensor) const;
    /// Throws if missing or if its shape differs; ne lists the dimensions in GGUF order.
    const TensorView& require(std::string_view tensor, std::initializer_list<std::int64_t> ne) const;

    // Metadata. Integers of any width are accepted where an integer is wanted. Nothing when the key is absent; a value of
    // the wrong kind throws.
    std::optional<std::int64_t> integer(std::string_view key) const;
    std::optional<double> real(std::string_view key) const;
    std::optional<bool> boolean(std::string_view key) const;
    std::optional<std::string_view> text(std::string_view key) const;
    std::optional<std::vector<std::string_view>> texts(std::string_view key) const;
    std::optional<std::vector<double>> reals(std::string_view key) const;
    std::optional<std::vector<std::int64_t>> integers(std::string_view key) const;
    /// 16 hex digits over header, tensor table and samples of the data: names the weights for calibrations and sessions.
    std::string hash() const;

private:
    struct State;
    explicit GgufFile(std::unique_ptr<State> state);
    void openOtherParts(const std::filesystem::path& first);
    void addPart(GgufFile part);

    std::unique_ptr<State> m_state;
};

} // namespace moescope::model
