#pragma once
#include "engine/model/gguf_file.h"

#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace moescope::model {

inline constexpr std::uint32_t kGgufMagic = 0x46554747; // "GGUF"
inline constexpr std::size_t kLongestTensorName = 63;   ///< bytes; GGML_MAX_NAME without its end

/// Metadata value types of GGUF; the numbers are on disk.
enum class ValueKind : std::uint32_t {
    U8 = 0,
    I8 = 1,
    U16 = 2,
    I16 = 3,
    U32 = 4,
    I32 = 5,
    F32 = 6,
    Bool = 7,
    Text = 8,
    Array = 9,
    U64 = 10,
    I64 = 11,
    F64 = 12
};

/// A metadata value as it lies in the file: checked to be inside it, decoded when asked for. A text's bytes are the text
/// itself, an array's bytes are its elements.
struct GgufValue {
    ValueKind kind = ValueKind::U8; ///< of the value, or of the elements of an array
    bool array = false;
    std::uint64_t count = 1; ///< elements of an array
    std::span<const std::byte> bytes;
};

/// What the header of a GGUF file says. All views point into the parsed bytes.
struct GgufDirectory {
    std::uint32_t version = 0;
    std::uint64_t dataStart = 0; ///< offset of the data section
    std::unordered_map<std::string_view, GgufValue> values;
    std::vector<TensorView> tensors; ///< in file order
    std::unordered_map<std::string_view, std::size_t> tensorIndex;
};

/// Reads header, metadata and tensor table of untrusted bytes. Nothing is allocated before the bytes that ask for it were
/// seen. Throws std::runtime_error with one sentence naming file, key or tensor, and reason.
GgufDirectory parseGguf(std::span<const std::byte> bytes, std::string_view fileName);

/// "u32", "array of string": for messages.
std::string describe(const GgufValue& value);

/// Bytes of one element; 0 for texts and arrays.
std::size_t scalarBytes(ValueKind kind);

} // namespace moescope::model
