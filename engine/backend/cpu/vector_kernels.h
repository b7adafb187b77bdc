#pragma once
// Element-wise float kernels and products with float weights, through Highway: the best instruction set is chosen at run time.
// Sums always run over 16 virtual lanes that are added up in one fixed order, so every instruction set with fused
// multiply-add gives the same bits. Counts are multiples of 32 unless said otherwise; pointers need no alignment.
#include "engine/backend/cpu/activations.h"

#include <cstdint>

namespace moescope::backend {

/// out = x / sqrt(mean(x^2) + epsilon) * weight.
void rmsNorm(const float* x, const float* weight, float epsilon, int count, float* out);

/// Per block of 32: scale = max|x| / kLargestDigits, integers = round-to-even(x / scale) in two digits; see ActivationRow.
void quantiseBlocks(const float* x, int blocks, std::int8_t* digits, float* scales, std::int32_t* corrections,
                    std::int32_t* sums);

/// out = silu(gate) * up; out may be one of the inputs.
void swiGlu(const float* gate, const float* up, int count, float* out);

/// sum += factor * x.
void addScaled(const float* x, float factor, int count, float* sum);

/// Groups [begin, end) of an F32, F16 or BF16 matrix times `count` tokens; see GroupProduct.
void floatProduct(const PackedMatrix& matrix, int begin, int end, const ActivationRow* tokens, int count, float* const* outs);

} // namespace moescope::backend
