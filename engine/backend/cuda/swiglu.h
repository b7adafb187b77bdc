#pragma once
// silu(gate) * up for the GPU and the processor: the same operations, each rounded once, so that both give the same bits.
// Compile without contraction (--fmad=false, -ffp-contract=off).
#include "engine/model/fast_exp.h"

namespace moescope::backend::cuda {

constexpr float swiGlu(float gate, float up) {
    // Beyond 88 the quotient is zero to float accuracy. A NaN stays one through `gate`.
    const float decay = model::fastExp(-gate < 88.0F ? -gate : 88.0F);
    return gate / (1.0F + decay) * up;
}

} // namespace moescope::backend::cuda
