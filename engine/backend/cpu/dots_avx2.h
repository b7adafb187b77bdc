#pragma once
// Sums of products of bytes, 8 rows (half a group) in the lanes of a register: what the AVX2 products share.
#include "engine/backend/cpu/activations.h"

#if defined(__x86_64__)
#include <cstring>
#include <immintrin.h>

#define MOESCOPE_AVX2 __attribute__((target("avx2,fma,f16c")))

namespace moescope::backend::avx2 {

inline constexpr int kLanes = 8;

MOESCOPE_AVX2 inline __m256i fourOf(const std::int8_t* digits) {
    int four = 0;
    std::memcpy(&four, digits, sizeof four);
    return _mm256_set1_epi32(four);
}

/// Adds, per lane, the four products of unsigned and signed bytes. No sum of two products may exceed 16 bits.
MOESCOPE_AVX2 inline __m256i addDots(__m256i sums, __m256i unsignedBytes, __m256i signedBytes) {
    const __m256i pairs = _mm256_maddubs_epi16(unsignedBytes, signedBytes);
    return _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

/// A token's columns with half a group: the sums of both digits, one row per lane.
struct DigitSums {
    __m256i high;
    __m256i low;
};

/// Nothing yet, but what makes unsigned weights signed.
MOESCOPE_AVX2 inline DigitSums startingAt(int correction) {
    return {_mm256_setzero_si256(), _mm256_set1_epi32(correction)};
}

/// Weights of at most 127.
MOESCOPE_AVX2 inline void addQuad(DigitSums& sums, __m256i weights, const std::int8_t* digits) {
    sums.high = addDots(sums.high, weights, fourOf(digits));
    sums.low = addDots(sums.low, weights, fourOf(digits + kBlockColumns));
}

/// Weights of eight bits, stored + 128. |w| * (digit with w's sign): 2 * 128 * 127 still fits 16 bits, which (w + 128) * digit
/// would not.
MOESCOPE_AVX2 inline void addWideQuad(DigitSums& sums, __m256i stored, const std::int8_t* digits) {
    const __m256i weights = _mm256_xor_si256(stored, _mm256_set1_epi8(-128));
    const __m256i magnitudes = _mm256_abs_epi8(weights);
    sums.high = addDots(sums.high, magnitudes, _mm256_sign_epi8(fourOf(digits), weights));
    sums.low = addDots(sums.low, magnitudes, _mm256_sign_epi8(fourOf(digits + kBlockColumns), weights));
}

/// 255 * high + low.
MOESCOPE_AVX2 inline __m256 joined(const DigitSums& sums) {
    return _mm256_cvtepi32_ps(_mm256_add_epi32(_mm256_sub_epi32(_mm256_slli_epi32(sums.high, 8), sums.high), sums.low));
}

MOESCOPE_AVX2 inline __m256i bytesAt(const std::byte* at) {
    return _mm256_load_si256(reinterpret_cast<const __m256i*>(at));
}

MOESCOPE_AVX2 inline __m256 halvesAt(const std::byte* at) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
}

/// Both halves of the groups [begin, end), token after token.
template <class Half>
MOESCOPE_AVX2 void inHalves(const PackedMatrix& matrix, int begin, int end, const ActivationRow* tokens, int count,
                            float* const* outs) {
    for (int group = begin; group < end; ++group)
        for (int t = 0; t < count; ++t)
            for (int first = 0; first < kGroupRows; first += kLanes)
                Half::run(matrix, group, first, tokens[t], outs[t] + group * kGroupRows + first);
}

} // namespace moescope::backend::avx2
#endif
