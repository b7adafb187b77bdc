#include "engine/backend/cpu/int8_kernels.h"

#if defined(__x86_64__)
#include <cstring>
#include <immintrin.h>

#define MOESCOPE_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni,avx512dq,fma,f16c")))

namespace moescope::backend::avx512 {
namespace {

// The zero-masked forms compile to the plain ones; g++ 12 warns of an uninitialised variable inside the latter.
constexpr __mmask16 kAllLanes = 0xffff;

/// Four digits of one quad of columns in every lane.
MOESCOPE_AVX512 inline __m512i fourOf(const std::int8_t* digits) {
    int four = 0;
    std::memcpy(&four, digits, sizeof four);
    return _mm512_set1_epi32(four);
}

/// A token's block of 32 with one group of 16 rows: the sums of both digits, one row per lane.
struct BlockSums {
    __m512i high;
    __m512i low;
};

MOESCOPE_AVX512 inline void addQuad(BlockSums& sums, __m512i weights, const std::int8_t* digits) {
    sums.high = _mm512_dpbusd_epi32(sums.high, weights, fourOf(digits));
    sums.low = _mm512_dpbusd_epi32(sums.low, weights, fourOf(digits + kBlockColumns));
}

/// 255 * high + low.
MOESCOPE_AVX512 inline __m512i joined(const BlockSums& sums) {
    return _mm512_add_epi32(_mm512_sub_epi32(_mm512_maskz_slli_epi32(kAllLanes, sums.high, 8), sums.high), sums.low);
}

struct Q8 {
    static constexpr std::ptrdiff_t kBytes = kBlockColumns * kGroupRows;

    static int correction(int stored) { return stored; }

    template <int Tokens>
    MOESCOPE_AVX512 static inline void add(const std::byte* quants, const std::int8_t* const* digits, BlockSums* sums) {
        for (int quad = 0; quad < kBlockColumns / 4; ++quad) {
            const __m512i weights = _mm512_load_si512(quants + quad * 64);
            for (int t = 0; t < Tokens; ++t)
                addQuad(sums[t], weights, digits[t] + quad * 4);
        }
    }
};

struct Q4 {
    static constexpr std::ptrdiff_t kBytes = kBlockColumns * kGroupRows / 2;

    /// Weights are 0..15 with 8 to be taken off, a sixteenth of what Q8 takes off.
    static int correction(int stored) { return stored / 16; }

    template <int Tokens>
    MOESCOPE_AVX512 static inline void add(const std::byte* quants, const std::int8_t* const* digits, BlockSums* sums) {
        const __m512i nibble = _mm512_set1_epi8(15);
        for (int quad = 0; quad < kBlockColumns / 8; ++quad) {
            const __m512i two = _mm512_load_si512(quants + quad * 64);
            const __m512i low = _mm512_and_si512(two, nibble);
            const __m512i high = _mm512_and_si512(_mm512_srli_epi16(two, 4), nibble);
            for (int t = 0; t < Tokens; ++t) {
                addQuad(sums[t], low, digits[t] + quad * 4);
                addQuad(sums[t], high, digits[t] + kBlockColumns / 2 + quad * 4);
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
    const std::int8_t* digits[Tokens];
    for (int t = 0; t < Tokens; ++t) {
        totals[t] = _mm512_setzero_ps();
        digits[t] = tokens[t].digits;
    }
    for (int block = 0; block < blocks; ++block, quants += Format::kBytes, scales += kGroupRows * 2) {
        BlockSums sums[Tokens];
        for (int t = 0; t < Tokens; ++t)
            sums[t] = {_mm512_setzero_si512(), _mm512_set1_epi32(Format::correction(tokens[t].corrections[block]))};
        Format::template add<Tokens>(quants, digits, sums);
        const __m512 weightScale =
            _mm512_maskz_cvtph_ps(kAllLanes, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(scales)));
        for (int t = 0; t < Tokens; ++t) {
            const __m512 scale = _mm512_mul_ps(weightScale, _mm512_set1_ps(tokens[t].scales[block]));
            totals[t] = _mm512_fmadd_ps(_mm512_maskz_cvtepi32_ps(kAllLanes, joined(sums[t])), scale, totals[t]);
            digits[t] += 2 * kBlockColumns;
        }
    }
    for (int t = 0; t < Tokens; ++t)
        _mm512_storeu_ps(outs[t] + group * kGroupRows, totals[t]);
}

template <class Format>
MOESCOPE_AVX512 void product(const PackedMatrix& matrix, int begin, int end, const ActivationRow* tokens, int count,
                             float* const* outs) {
    for (int group = begin; group < end; ++group) {
        int t = 0;
        for (; t + 4 <= count; t += 4)
            tile<Format, 4>(matrix, group, tokens + t, outs + t);
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
