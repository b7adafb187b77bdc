#pragma once
// What the products of formats with scales of 16 or 32 columns in super-blocks read of an activation, the same in every
// variant.
#include "engine/backend/cpu/activations.h"
#include "engine/backend/cpu/k_quant_layout.h"

namespace moescope::backend {

/// The high digits from a column (a multiple of 16) on; the low ones lie 32 further on.
inline const std::int8_t* digitsAt(const ActivationRow& token, int column) {
    return token.digits + std::ptrdiff_t{2} * (column / kBlockColumns) * kBlockColumns + column % kBlockColumns;
}

/// What a least value is multiplied with.
inline float minusSum(const ActivationRow& token, int block) {
    return token.scales[block] * static_cast<float>(token.corrections[block] / 128);
}

/// What codes have too much when Format::kZero means 0.
template <class Format>
inline int correctionOf(const ActivationRow& token, int super, int run) {
    if constexpr (Format::kZero == 0)
        return 0;
    else
        return -Format::kZero * token.sums[super * (kSuperColumns / Format::kRun) + run];
}

} // namespace moescope::backend
