#include "engine/backend/cpu/int8_kernels.h"

#if defined(__x86_64__)
#include <cstring>
#include <immintrin.h>

#define MOESCOPE_AVX2 __attribute__((target("avx2,fma,f16c")))

namespace moescope::backend::avx2 {
namespace {

// Half a group: 8 rows in the 8 lanes of a register.
constexpr int kLanes = 8;

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

/// 255 * high + low.
MOESCOPE_AVX2 inline __m256i joined(__m256i high, __m256i low) {
    return _mm256_add_epi32(_mm256_sub_epi32(_mm256_slli_epi32(high, 8), high), low);
}

struct Q8 {
    static constexpr std::ptrdiff_t kBytes = kBlockColumns * kGroupRows;

    /// |w| * (digit with w's sign): 2 * 128 * 127 still fits 16 bits, which (w + 128) * digit would not.
    MOESCOPE_AVX2 static inline __m256i block(const std::byte* quants, const std::int8_t* digits, int) {
        const __m256i offset = _mm256_set1_epi8(-128);
        __m256i high = _mm256_setzero_si256();
        __m256i low = high;
        for (int quad = 0; quad < kBlockColumns / 4; ++quad) {
            const __m256i stored = _mm256_load_si256(reinterpret_cast<const __m256i*>(quants + quad * 64));
            const __m256i weights = _mm256_xor_si256(stored, offset);
            const __m256i magnitudes = _mm256_abs_epi8(weights);
            high = addDots(high, magnitudes, _mm256_sign_epi8(fourOf(digits + quad * 4), weights));
            low = addDots(low, magnitudes, _mm256_sign_epi8(fourOf(digits + kBlockColumns + quad * 4), weights));
        }
        return joined(high, low);
    }
};

struct Q4 {
    static constexpr std::ptrdiff_t kBytes = kBlockColumns * kGroupRows / 2;

    /// Weights are 0..15 with 8 to be taken off, a sixteenth of what the stored correction is for.
    MOESCOPE_AVX2 static inline __m256i block(const std::byte* quants, const std::int8_t* digits, int correction) {
        const __m256i nibble = _mm256_set1_epi8(15);
        __m256i high = _mm256_setzero_si256();
        __m256i low = _mm256_set1_epi32(correction / 16);
        for (int quad = 0; quad < kBlockColumns / 8; ++quad, digits += 4) {
            const __m256i two = _mm256_load_si256(reinterpret_cast<const __m256i*>(quants + quad * 64));
            const __m256i first = _mm256_and_si256(two, nibble);
            const __m256i second = _mm256_and_si256(_mm256_srli_epi16(two, 4), nibble);
            high = addDots(addDots(high, first, fourOf(digits)), second, fourOf(digits + kBlockColumns / 2));
            low = addDots(addDots(low, first, fourOf(digits + kBlockColumns)), second,
                          fourOf(digits + kBlockColumns + kBlockColumns / 2));
        }
        return joined(high, low);
    }
};

template <class Format>
MOESCOPE_AVX2 inline void half(const PackedMatrix& matrix, int group, int first, const ActivationRow& token, float* out) {
    const int blocks = matrix.columns / kBlockColumns;
    const std::byte* quants = matrix.group(group) + first * 4;
    const std::byte* scales = matrix.group(group) + blocks * Format::kBytes + first * 2;
    __m256 total = _mm256_setzero_ps();
    for (int block = 0; block < blocks; ++block, quants += Format::kBytes, scales += kGroupRows * 2) {
        const __m256i sums = Format::block(quants, token.digits + block * 2 * kBlockColumns, token.corrections[block]);
        const __m256 weight = _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(scales)));
        const __m256 scale = _mm256_mul_ps(weight, _mm256_set1_ps(token.scales[block]));
        total = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sums), scale, total);
    }
    _mm256_storeu_ps(out + first, total);
}

template <class Format>
MOESCOPE_AVX2 void product(const PackedMatrix& matrix, int begin, int end, const ActivationRow* tokens, int count,
                           float* const* outs) {
    for (int group = begin; group < end; ++group) {
        for (int t = 0; t < count; ++t) {
            half<Format>(matrix, group, 0, tokens[t], outs[t] + group * kGroupRows);
            half<Format>(matrix, group, kLanes, tokens[t], outs[t] + group * kGroupRows);
        }
    }
}

} // namespace

void q8Product(const PackedMatrix& matrix, int begin, int end, const ActivationRow* tokens, int count, float* const* outs) {
    product<Q8>(matrix, begin, end, tokens, count, outs);
}

void q4Product(const PackedMatrix& matrix, int begin, int end, const ActivationRow* tokens, int count, float* const* outs) {
    product<Q4>(matrix, begin, end, tokens, count, outs);
}

} // namespace moescope::backend::avx2
#endif
