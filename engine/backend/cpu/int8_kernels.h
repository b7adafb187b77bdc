#pragma once
// Products of packed quantised rows with 8-bit activations. Every variant computes the same integers per block of 32 columns or
// run of 16 and adds their results in the same order with the same fused multiply-add, so variants agree bit for bit.
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
    GroupProduct mxfp4;
    GroupProduct q4k;
    GroupProduct q5k;
    GroupProduct q6k;
    GroupProduct runs; ///< Layout::Runs
};

/// Variants that this machine can run, fastest first; the last one is the scalar twin.
std::span<const Int8Kernels> int8Variants();

/// The product for matrices of a type: one of the kernels, or the floats'.
GroupProduct productOf(const Int8Kernels& kernels, model::TensorType type);

namespace scalar {
void q8Product(const PackedMatrix&, int, int, const ActivationRow*, int, float* const*);
void q4Product(const PackedMatrix&, int, int, const ActivationRow*, int, float* const*);
void mxfp4Product(const PackedMatrix&, int, int, const ActivationRow*, int, float* const*);
void q4kProduct(const PackedMatrix&, int, int, const ActivationRow*, int, float* const*);
void q5kProduct(const PackedMatrix&, int, int, const ActivationRow*, int, float* const*);
void q6kProduct(const PackedMatrix&, int, int, const ActivationRow*, int, float* const*);
void runsProduct(const PackedMatrix&, int, int, const ActivationRow*, int, float* const*);
} // namespace scalar
#if defined(__x86_64__)
namespace avx2 {
void q8Product(const PackedMatrix&, int, int, const ActivationRow*, int, float* const*);
void q4Product(const PackedMatrix&, int, int, const ActivationRow*, int, float* const*);
void mxfp4Product(const PackedMatrix&, int, int, const ActivationRow*, int, float* const*);
void q4kProduct(const PackedMatrix&, int, int, const ActivationRow*, int, float* const*);
void q5kProduct(const PackedMatrix&, int, int, const ActivationRow*, int, float* const*);
void q6kProduct(const PackedMatrix&, int, int, const ActivationRow*, int, float* const*);
void runsProduct(const PackedMatrix&, int, int, const ActivationRow*, int, float* const*);
} // namespace avx2
namespace avx512 {
void q8Product(const PackedMatrix&, int, int, const ActivationRow*, int, float* const*);
void q4Product(const PackedMatrix&, int, int, const ActivationRow*, int, float* const*);
void mxfp4Product(const PackedMatrix&, int, int, const ActivationRow*, int, float* const*);
void q4kProduct(const PackedMatrix&, int, int, const ActivationRow*, int, float* const*);
void q5kProduct(const PackedMatrix&, int, int, const ActivationRow*, int, float* const*);
void q6kProduct(const PackedMatrix&, int, int, const ActivationRow*, int, float* const*);
void runsProduct(const PackedMatrix&, int, int, const ActivationRow*, int, float* const*);
} // namespace avx512
#endif

} // namespace moescope::backend
