#pragma once
#include <bit>
#include <cstdint>

namespace moescope::model {

/// exp(x) for x from -87 to 88, relative error below 2e-7; 0 for smaller x and for NaN. Free of branches and calls, so that
/// loops over it become SIMD code, and constexpr, so that a GPU can have the same bits (compile without contraction there).
/// Polynomial: Cephes expf.
constexpr float fastExp(float x) {
    constexpr float kRound = 12582912.0F; // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
    const float shifted = x * 1.44269504088896341F + kRound;
    const float power = shifted - kRound;
    const float rest = (x - power * 0.693359375F) + power * 2.12194440e-4F;
    float p = 1.9875691500e-4F;
    p = p * rest + 1.3981999507e-3F;
    p = p * rest + 8.3334519073e-3F;
    p = p * rest + 4.1665795894e-2F;
    p = p * rest + 1.6666665459e-1F;
    p = p * rest + 5.0000001201e-1F;
    p = p * rest * rest + rest + 1.0F;
    const std::uint32_t scale = (std::bit_cast<std::uint32_t>(shifted) + 127U) << 23;
    // A mask, because compilers turn a conditional into a branch here and then leave the loop scalar.
    const std::uint32_t keep = 0U - static_cast<std::uint32_t>(x >= -87.0F);
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(p * std::bit_cast<float>(scale)) & keep);
}

} // namespace moescope::model
