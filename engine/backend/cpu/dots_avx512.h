#pragma once
// Sums of products of bytes, 16 rows in the lanes of a register: what the AVX-512 products share.
#include "engine/backend/cpu/activations.h"

#if defined(__x86_64__)
#include <cstring>
#include <immintrin.h>

#define MOESCOPE_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni,avx512dq,fma,f16c")))

namespace moescope::backend::avx512 {

// The zero-masked forms compile to the plain ones; g++ 12 warns of an uninitialised variable inside the latter.
inline constexpr __mmask16 kAllLanes = 0xffff;

/// Four digits of one quad of columns in every lane.
MOESCOPE_AVX512 inline __m512i fourOf(const std::int8_t* digits) {
    int four = 0;
    std::memcpy(&four, digits, sizeof four);
    return _mm512_set1_epi32(four);
}

/// A token's columns with one group of 16 rows: the sums of both digits, one row per lane.
struct DigitSums {
    __m512i high;
    __m512i low;
};

/// Nothing yet, but what makes unsigned weights signed.
MOESCOPE_AVX512 inline DigitSums startingAt(int correction) {
    return {_mm512_setzero_si512(), _mm512_set1_epi32(correction)};
}

MOESCOPE_AVX512 inline void addQuad(DigitSums& sums, __m512i weights, const std::int8_t* digits) {
    sums.high = _mm512_dpbusd_epi32(sums.high, weights, fourOf(digits));
    sums.low = _mm512_dpbusd_epi32(sums.low, weights, fourOf(digits + kBlockColumns));
}

/// 255 * high + low.
MOESCOPE_AVX512 inline __m512 joined(const DigitSums& sums) {
    return _mm512_maskz_cvtepi32_ps(
        kAllLanes, _mm512_add_epi32(_mm512_sub_epi32(_mm512_maskz_slli_epi32(kAllLanes, sums.high, 8), sums.high), sums.low));
}

MOESCOPE_AVX512 inline __m512 halvesAt(const std::byte* at) {
    return _mm512_maskz_cvtph_ps(kAllLanes, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)));
}

/// Groups [begin, end), as many tokens at a time as registers hold.
template <class Tile>
MOESCOPE_AVX512 void inTiles(const PackedMatrix& matrix, int begin, int end, const ActivationRow* tokens, int count,
                             float* const* outs) {
    for (int group = begin; group < end; ++group) {
        int t = 0;
        for (; t + 4 <= count; t += 4)
            Tile::template run<4>(matrix, group, tokens + t, outs + t);
        for (; t + 2 <= count; t += 2)
            Tile::template run<2>(matrix, group, tokens + t, outs + t);
        for (; t < count; ++t)
            Tile::template run<1>(matrix, group, tokens + t, outs + t);
    }
}

} // namespace moescope::backend::avx512
#endif
