#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace moescope::model {

/// Element formats of GGUF tensors that this program computes with; values are ggml's type ids (on disk).
enum class TensorType : std::uint32_t { F32 = 0, F16 = 1, Q4_0 = 2, Q8_0 = 8, BF16 = 30 };

struct TypeTraits {
    std::string_view name; ///< "Q8_0"
    int blockElements = 1; ///< elements per block
    int blockBytes = 4;
};
/// Null for ids that this program does not know.
const TypeTraits* typeTraits(std::uint32_t ggmlType);
const TypeTraits& typeTraits(TensorType type);

/// Decodes `out.size()` elements (a multiple of the block) starting at `data`.
void dequantise(TensorType type, const std::byte* data, std::span<float> out);

} // namespace moescope::model
