#include "engine/backend/cpu/dots_avx2.h"
#include "engine/backend/cpu/int8_kernels.h"
#include "engine/model/code_runs.h"

#if defined(__x86_64__)

namespace moescope::backend::avx2 {
namespace {

struct Q8 {
    static constexpr std::ptrdiff_t kBytes = kBlockColumns * kGroupRows;
    static constexpr std::ptrdiff_t kScaleBytes = 2;

    static float activationScale(float stored) { return stored; }
    MOESCOPE_AVX2 static inline __m256 scales(const std::byte* at) { return halvesAt(at); }
    MOESCOPE_AVX2 static inline DigitSums block(const std::byte* quants, const std::int8_t* digits, int) {
        DigitSums sums = startingAt(0);
        for (int quad = 0; quad < kBlockColumns / 4; ++quad)
            addWideQuad(sums, bytesAt(quants + quad * 64), digits + quad * 4);
        return sums;
    }
};

struct Q4 {
    static constexpr std::ptrdiff_t kBytes = kBlockColumns * kGroupRows / 2;
    static constexpr std::ptrdiff_t kScaleBytes = 2;

    static float activationScale(float stored) { return stored; }
    MOESCOPE_AVX2 static inline __m256 scales(const std::byte* at) { return halvesAt(at); }
    /// Weights are 0..15 with 8 to be taken off, a sixteenth of what the stored correction is for.
    MOESCOPE_AVX2 static inline DigitSums block(const std::byte* quants, const std::int8_t* digits, int correction) {
        const __m256i nibble = _mm256_set1_epi8(15);
        DigitSums sums = startingAt(correction / 16);
        for (int quad = 0; quad < kBlockColumns / 8; ++quad, digits += 4) {
            const __m256i two = bytesAt(quants + quad * 64);
            addQuad(sums, _mm256_and_si256(two, nibble), digits);
            addQuad(sums, _mm256_and_si256(_mm256_srli_epi16(two, 4), nibble), digits + kBlockColumns / 2);
        }
        return sums;
    }
};

struct Mxfp4 {
    static constexpr std::ptrdiff_t kBytes = kBlockColumns * kGroupRows / 2;
    static constexpr std::ptrdiff_t kScaleBytes = 1;

    /// Codes are doubled.
    static float activationScale(float stored) { return 0.5F * stored; }
    /// 2^(exponent - 127): as the exponent of a float; 0 has no normal float, 255 is not a number.
    MOESCOPE_AVX2 static inline __m256 scales(const std::byte* at) {
        const __m256i exponents = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(at)));
        const __m256i quiet = _mm256_set1_epi32(0x00400000);
        const __m256i bits = _mm256_max_epu32(_mm256_slli_epi32(exponents, 23), quiet);
        const __m256i none = _mm256_cmpeq_epi32(exponents, _mm256_set1_epi32(255));
        return _mm256_castsi256_ps(_mm256_or_si256(bits, _mm256_and_si256(none, quiet)));
    }
    /// Weights are -12..12, made 0..24.
    MOESCOPE_AVX2 static inline DigitSums block(const std::byte* quants, const std::int8_t* digits, int correction) {
        const __m256i nibble = _mm256_set1_epi8(15);
        const __m128i codes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(model::kDoubledE2M1.data()));
        const __m256i table = _mm256_broadcastsi128_si256(_mm_add_epi8(codes, _mm_set1_epi8(12)));
        DigitSums sums = startingAt(correction / 128 * 12);
        for (int quad = 0; quad < kBlockColumns / 8; ++quad, digits += 4) {
            const __m256i two = bytesAt(quants + quad * 64);
            const __m256i second = _mm256_and_si256(_mm256_srli_epi16(two, 4), nibble);
            addQuad(sums, _mm256_shuffle_epi8(table, _mm256_and_si256(two, nibble)), digits);
            addQuad(sums, _mm256_shuffle_epi8(table, second), digits + kBlockColumns / 2);
        }
        return sums;
    }
};

template <class Format>
struct BlockHalf {
    MOESCOPE_AVX2 static inline void run(const PackedMatrix& matrix, int group, int first, const ActivationRow& token,
                                         float* out) {
        const int blocks = matrix.columns / kBlockColumns;
        const std::byte* quants = matrix.group(group) + first * 4;
        const std::byte* scales = matrix.group(group) + blocks * Format::kBytes + first * Format::kScaleBytes;
        __m256 total = _mm256_setzero_ps();
        for (int block = 0; block < blocks; ++block, quants += Format::kBytes, scales += kGroupRows * Format::kScaleBytes) {
            const DigitSums sums = Format::block(quants, token.digits + block * 2 * kBlockColumns, token.corrections[block]);
            const __m256 scale =
                _mm256_mul_ps(Format::scales(scales), _mm256_set1_ps(Format::activationScale(token.scales[block])));
            total = _mm256_fmadd_ps(joined(sums), scale, total);
        }
        _mm256_storeu_ps(out, total);
    }
};

} // namespace

void q8Product(const PackedMatrix& matrix, int begin, int end, const ActivationRow* tokens, int count, float* const* outs) {
    inHalves<BlockHalf<Q8>>(matrix, begin, end, tokens, count, outs);
}

void q4Product(const PackedMatrix& matrix, int begin, int end, const ActivationRow* tokens, int count, float* const* outs) {
    inHalves<BlockHalf<Q4>>(matrix, begin, end, tokens, count, outs);
}

void mxfp4Product(const PackedMatrix& matrix, int begin, int end, const ActivationRow* tokens, int count, float* const* outs) {
    inHalves<BlockHalf<Mxfp4>>(matrix, begin, end, tokens, count, outs);
}

} // namespace moescope::backend::avx2
#endif
