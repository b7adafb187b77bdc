#include "engine/backend/cpu/int8_kernels.h"

#if defined(__x86_64__)
#include <cstring>
#include <immintrin.h>

#define MOESCOPE_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni,avx512dq,fma,f16c")))

namespace moescope::backend::avx512 {
namespace {

// The zero-masked forms compile to the plain ones; g++ 12 warns of an uninitialised variable inside the latter.
constexpr __mmask16 kAllLanes = 0xffff;

/// Four activations of one quad of columns in every lane.
MOESCOPE_AVX512 inline __m512i fourOf(const std::int8_t* quants) {
    int four = 0;
    std::memcpy(&four, quants, sizeof four);
    return _mm512_set1_epi32(four);
}

MOESCOPE_AVX512 inline __m512 scalesOf(const std::byte* scales, float activationScale) {
    const __m512 weight = _mm512_maskz_cvtph_ps(kAllLanes, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(scales)));
    return _mm512_mul_ps(weight, _mm512_set1_ps(activationScale));
}

struct Q8 {
    static constexpr std::ptrdiff_t kBytes = kBlockColumns * kGroupRows;

    template <int Tokens>
    MOESCOPE_AVX512 static inline void block(const std::byte* quants, const ActivationRow* tokens, int block, __m512i* sums) {
        for (int t = 0; t < Tokens; ++t)
            sums[t] = _mm512_set1_epi32(tokens[t].corrections[block]);
        for (int quad = 0; quad < kBlockColumns / 4; ++quad) {
            const __m512i weights = _mm512_load_si512(quants + quad * 64);
            for (int t = 0; t < Tokens; ++t)
                sums[t] = _mm512_dpbusd_epi32(sums[t], weights, fourOf(tokens[t].quants + block * kBlockColumns + quad * 4));
        }
    }
};

struct Q4 {
    static constexpr std::ptrdiff_t kBytes = kBlockColumns * kGroupRows / 2;

    template <int Tokens>
    MOESCOPE_AVX512 static inline void block(const std::byte* quants, const ActivationRow* tokens, int block, __m512i* sums) {
        const __m512i nibble = _mm512_set1_epi8(15);
        for (int t = 0; t < Tokens; ++t)
            sums[t] = _mm512_set1_epi32(tokens[t].corrections[block] / 16);
        for (int quad = 0; quad < kBlockColumns / 8; ++quad) {
            const __m512i two = _mm512_load_si512(quants + quad * 64);
            const __m512i low = _mm512_and_si512(two, nibble);
            const __m512i high = _mm512_and_si512(_mm512_srli_epi16(two, 4), nibble);
            for (int t = 0; t < Tokens; ++t) {
                const std::int8_t* activations = tokens[t].quants + block * kBlockColumns + quad * 4;
                sums[t] = _mm512_dpbusd_epi32(sums[t], low, fourOf(activations));
                sums[t] = _mm512_dpbusd_epi32(sums[t], high, fourOf(activations + kBlockColumns / 2));
            }
        }
    }
};

template <class Format, int Tokens>
MOESCOPE_AVX512 inline void tile(const PackedMatrix& matrix, int group, const ActivationRow* tokens, float* const* outs) {
    const int blocks = matrix.columns / kBlockColumns;
    const std::byte* quants = matrix.group(group);
    const std::byte* scales = quants + blocks * Format::kBytes;
    __m512 totals[Tokens];
    for (int t = 0; t < Tokens; ++t)
        totals[t] = _mm512_setzero_ps();
    for (int block = 0; block < blocks; ++block) {
        __m512i sums[Tokens];
        Format::template block<Tokens>(quants + block * Format::kBytes, tokens, block, sums);
        for (int t = 0; t < Tokens; ++t)
            totals[t] = _mm512_fmadd_ps(_mm512_maskz_cvtepi32_ps(kAllLanes, sums[t]),
                                        scalesOf(scales + block * kGroupRows * 2, tokens[t].scales[block]), totals[t]);
    }
    for (int t = 0; t < Tokens; ++t)
        _mm512_storeu_ps(outs[t] + group * kGroupRows, totals[t]);
}

template <class Format>
MOESCOPE_AVX512 void product(const PackedMatrix& matrix, int begin, int end, const ActivationRow* tokens, int count,
                             float* const* outs) {
    for (int group = begin; group < end; ++group) {
        int t = 0;
        for (; t + 8 <= count; t += 8)
            tile<Format, 8>(matrix, group, tokens + t, outs + t);
        for (; t + 2 <= count; t += 2)
            tile<Format, 2>(matrix, group, tokens + t, outs + t);
        for (; t < count; ++t)
            tile<Format, 1>(matrix, group, tokens + t, outs + t);
    }
}

} // namespace

void q8Product(const PackedMatrix& matrix, int begin, int end, const ActivationRow* tokens, int count, float* const* outs) {
    product<Q8>(matrix, begin, end, tokens, count, outs);
}

void q4Product(const PackedMatrix& matrix, int begin, int end, const ActivationRow* tokens, int count, float* const* outs) {
    product<Q4>(matrix, begin, end, tokens, count, outs);
}

} // namespace moescope::backend::avx512
#endif
