#pragma once
#include "engine/model/gguf_plan.h"

#include <atomic>
#include <filesystem>
#include <span>

namespace moescope::model {

/// Writes the file of a plan piece by piece, so that it may be larger than memory. The bytes go to PATH.part; finish() makes it
/// PATH, and without finish() nothing stays behind: there is a complete file or none. The room is reserved at the start where
/// the file system can do that, so a full disk is known before the work. Every member that writes throws std::runtime_error
/// with one sentence naming the file and the system's reason. Owned by whoever makes the file; write() from any thread.
class GgufWriter {
public:
    /// A file at `path` stays as it is until finish() replaces it. Throws too when there is not enough room.
    GgufWriter(std::filesystem::path path, GgufPlan plan);
    ~GgufWriter();
    GgufWriter(const GgufWriter&) = delete;
    GgufWriter& operator=(const GgufWriter&) = delete;

    const GgufPlan& plan() const { return m_plan; }

    /// Bytes of tensor `index`, beginning `at` bytes after its start. Pieces may come in any order, from several threads, and
    /// must not overlap. Throws std::invalid_argument when they lie outside the tensor.
    void write(std::size_t index, std::int64_t at, std::span<const std::byte> bytes);

    /// Throws std::logic_error when tensors' bytes are missing. Call once, after all writes.
    void finish();

    /// Gives up: nothing stays behind. Not while another thread writes.
    void discard();

private:
    [[noreturn]] void fail(int error) const;
    void writeAt(std::int64_t position, std::span<const std::byte> bytes) const;
    void reserve() const;
    void close();

    std::filesystem::path m_path;
    std::filesystem::path m_part;
    GgufPlan m_plan;
    std::int64_t m_dataStart = 0;
    std::atomic<std::int64_t> m_written{0};
    int m_file = -1;
};

} // namespace moescope::model
