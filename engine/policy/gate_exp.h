#pragma once
#include <bit>
#include <cstdint>

namespace moescope::policy {

/// exp(x) for x <= 0, rounded from a double of relative error below 1e-13; 0 below -104 and for NaN. Nothing but additions and
/// multiplications, each rounded by itself, so that a GPU that chooses experts on its own gets the bits that the host gets:
/// std::exp differs between the two. Compile without contraction to fused multiply-adds.
constexpr float gateExp(float x) {
    if (!(x >= -104.0F))
        return 0.0F;
    constexpr double kRound = 6755399441055744.0; // 1.5 * 2^52: adding it leaves the nearest integer in the low bits
    const double shifted = static_cast<double>(x) * 1.4426950408889634074 + kRound;
    const double rest = static_cast<double>(x) - (shifted - kRound) * 0.6931471805599453094;
    // Taylor's series; |rest| <= 0.347.
    double p = 1.0 / 479001600.0;
    p = p * rest + 1.0 / 39916800.0;
    p = p * rest + 1.0 / 3628800.0;
    p = p * rest + 1.0 / 362880.0;
    p = p * rest + 1.0 / 40320.0;
    p = p * rest + 1.0 / 5040.0;
    p = p * rest + 1.0 / 720.0;
    p = p * rest + 1.0 / 120.0;
    p = p * rest + 1.0 / 24.0;
    p = p * rest + 1.0 / 6.0;
    p = p * rest + 0.5;
    p = p * rest + 1.0;
    p = p * rest + 1.0;
    const std::uint64_t scale = (std::bit_cast<std::uint64_t>(shifted) + 1023U) << 52U;
    return static_cast<float>(p * std::bit_cast<double>(scale));
}

} // namespace moescope::policy
