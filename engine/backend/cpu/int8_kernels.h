#pragma once
// Products of packed quantised rows with 8-bit activations. Every variant computes the same integers per block of 32 and adds
// block results in the same order with the same fused multiply-add, so variants agree bit for bit.
#include "engine/backend/cpu/activations.h"

#include <span>
#include <string_view>
#include <vector>

namespace moescope::backend {

/// Groups [begin, end) of a packed matrix times `count` tokens: outs[t][16*g + r] = row 16*g+r . tokens[t].
using GroupProduct = void (*)(const PackedMatrix& matrix, int begin, int end, const ActivationRow* tokens, int count,
                              float* const* outs);

struct Int8Kernels {
    std::string_view name; ///< for people: "AVX-512 VNNI"
    GroupProduct q8;
    GroupProduct q4;
};

/// Variants that this machine can run, fastest first; the last one is the scalar twin.
std::span<const Int8Kernels> int8Variants();

namespace scalar {
void q8Product(const PackedMatrix&, int, int, const ActivationRow*, int, float* const*);
void q4Product(const PackedMatrix&, int, int, const ActivationRow*, int, float* const*);
} // namespace scalar
#if defined(__x86_64__)
namespace avx2 {
void q8Product(const PackedMatrix&, int, int, const ActivationRow*, int, float* const*);
void q4Product(const PackedMatrix&, int, int, const ActivationRow*, int, float* const*);
} // namespace avx2
namespace avx512 {
void q8Product(const PackedMatrix&, int, int, const ActivationRow*, int, float* const*);
void q4Product(const PackedMatrix&, int, int, const ActivationRow*, int, float* const*);
} // namespace avx512
#endif

} // namespace moescope::backend
