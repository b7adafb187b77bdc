#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace moescope::model {

/// Element formats of GGUF tensors that this program computes with; values are ggml's type ids (on disk).
enum class TensorType : std::uint32_t {
    F32 = 0,
    F16 = 1,
    Q4_0 = 2,
    Q4_1 = 3,
    Q5_0 = 6,
    Q5_1 = 7,
    Q8_0 = 8,
    Q2_K = 10,
    Q3_K = 11,
    Q4_K = 12,
    Q5_K = 13,
    Q6_K = 14,
    IQ4_NL = 20,
    IQ4_XS = 23,
    BF16 = 30,
    MXFP4 = 39
};

struct TypeTraits {
    std::string_view name; ///< "Q8_0"
    int blockElements = 1; ///< elements per block
    int blockBytes = 4;
};
/// Null for ids that this program does not know.
const TypeTraits* typeTraits(std::uint32_t ggmlType);
const TypeTraits& typeTraits(TensorType type);

/// Every type there is, floats first: for tables and tests.
std::span<const TensorType> tensorTypes();
/// "F32, F16, ... and MXFP4": for messages.
std::string namesOf(std::span<const TensorType> types);

/// Decodes `out.size()` elements (a multiple of the block) starting at `data`. Each is the format's value, rounded to float
/// once.
void dequantise(TensorType type, const std::byte* data, std::span<float> out);

} // namespace moescope::model
