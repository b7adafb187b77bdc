#pragma once
// silu(gate) * up for the GPU and the processor: the same operations, each rounded once, so that both give the same bits.
// Compile without contraction (--fmad=false, -ffp-contract=off).
#include <cstdint>
#include <cstring>

#if defined(__CUDACC__)
#define MOESCOPE_BOTH_SIDES __host__ __device__
#else
#define MOESCOPE_BOTH_SIDES
#endif

namespace moescope::backend::cuda {

/// exp(x) for x up to 88, relative error below 2e-7; 0 below -87. Polynomial: Cephes expf.
MOESCOPE_BOTH_SIDES inline float bothSidesExp(float x) {
    constexpr float kRound = 12582912.0F; // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
    if (x < -87.0F)
        return 0.0F;
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
    std::uint32_t bits = 0;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits + 127U) << 23U;
    float scale = 0;
    memcpy(&scale, &bits, sizeof scale);
    return p * scale;
}

MOESCOPE_BOTH_SIDES inline float swiGlu(float gate, float up) {
    // Beyond 88 the quotient is zero to float accuracy. A NaN stays one through `gate`.
    const float decay = bothSidesExp(-gate < 88.0F ? -gate : 88.0F);
    return gate / (1.0F + decay) * up;
}

} // namespace moescope::backend::cuda
