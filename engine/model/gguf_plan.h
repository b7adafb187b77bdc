#pragma once
#include "engine/model/gguf_directory.h"

#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace moescope::model {

template <class T>
concept GgufNumber = std::is_arithmetic_v<T> && !std::is_same_v<T, bool>;

/// A tensor that shall be written, with its place in the file.
struct PlannedTensor {
    std::string name;
    TensorType type = TensorType::F32;
    std::vector<std::int64_t> ne; ///< 1 to 4 dimensions in GGUF order, ne[0] contiguous
    std::int64_t offset = 0;      ///< from the start of the data section
    std::int64_t rowBytes = 0;    ///< one run of ne[0]
    std::int64_t rows = 0;        ///< product of the other dimensions
    std::int64_t bytes() const { return rowBytes * rows; }
};

/// What a GGUF v3 file shall hold, without the tensors' bytes: metadata in the order in which it was set, and the tensor table
/// with every offset (format: ggml docs/gguf.md). Says how large the file will be before a byte is written. A plain value.
/// Throws std::invalid_argument for what no reader would take: names that are empty, double or longer than 63 bytes, rows that
/// are no whole number of blocks.
class GgufPlan {
public:
    static constexpr std::int64_t kAlignment = 32; ///< of tensors, the format's default

    // A key that was set before keeps its place and gets the new value.
    GgufPlan& set(std::string_view key, std::string_view value);
    GgufPlan& set(std::string_view key, const char* value) { return set(key, std::string_view(value)); }
    GgufPlan& set(std::string_view key, const std::string& value) { return set(key, std::string_view(value)); }
    GgufPlan& set(std::string_view key, bool value);
    GgufPlan& set(std::string_view key, const std::vector<std::string>& values);
    /// Stored with exactly that width: u8 to u64, i8 to i64, f32, f64.
    template <GgufNumber Number>
    GgufPlan& set(std::string_view key, Number value) {
        return put(key, kindOf<Number>(), std::as_bytes(std::span(&value, 1)));
    }
    template <GgufNumber Number>
    GgufPlan& set(std::string_view key, const std::vector<Number>& values) {
        return putArray(key, kindOf<Number>(), values.size(), std::as_bytes(std::span(values)));
    }
    /// A value of another file, byte for byte.
    GgufPlan& set(std::string_view key, const GgufValue& value);
    /// All metadata of another file in its order, without "general.alignment": the tensors are placed anew.
    GgufPlan& copyMetadata(const GgufFile& file);

    /// ne in GGUF order. Tensors lie in the file in the order of these calls.
    GgufPlan& addTensor(std::string_view name, TensorType type, std::vector<std::int64_t> ne);

    const std::vector<PlannedTensor>& tensors() const { return m_tensors; }
    /// Everything before the data section, padded to its start.
    std::vector<std::byte> header() const;
    std::int64_t dataBytes() const; ///< from the start of the data section to the end of the file
    std::int64_t fileBytes() const;

private:
    struct Entry {
        std::string key;
        std::vector<std::byte> content; ///< kind and value as in the file
    };
    template <class Number>
    static constexpr ValueKind kindOf() {
        if constexpr (std::is_floating_point_v<Number>)
            return sizeof(Number) == 4 ? ValueKind::F32 : ValueKind::F64;
        else if constexpr (sizeof(Number) == 8)
            return std::is_signed_v<Number> ? ValueKind::I64 : ValueKind::U64;
        else if constexpr (sizeof(Number) == 4)
            return std::is_signed_v<Number> ? ValueKind::I32 : ValueKind::U32;
        else if constexpr (sizeof(Number) == 2)
            return std::is_signed_v<Number> ? ValueKind::I16 : ValueKind::U16;
        else
            return std::is_signed_v<Number> ? ValueKind::I8 : ValueKind::U8;
    }
    GgufPlan& put(std::string_view key, ValueKind kind, std::span<const std::byte> value);
    GgufPlan& putArray(std::string_view key, ValueKind kind, std::uint64_t count, std::span<const std::byte> values);
    GgufPlan& place(std::string_view key, std::vector<std::byte> content);
    std::int64_t headerBytes() const;

    std::vector<Entry> m_values;
    std::vector<PlannedTensor> m_tensors;
};

} // namespace moescope::model
