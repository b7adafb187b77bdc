#include "engine/backend/cpu/dots_avx512.h"
#include "engine/backend/cpu/int8_kernels.h"
#include "engine/model/code_runs.h"

#if defined(__x86_64__)

namespace moescope::backend::avx512 {
namespace {

struct Q8 {
    static constexpr std::ptrdiff_t kBytes = kBlockColumns * kGroupRows;
    static constexpr std::ptrdiff_t kScaleBytes = 2 * kGroupRows;

    static int correction(int stored) { return stored; }
    static float activationScale(float stored) { return stored; }
    MOESCOPE_AVX512 static inline __m512 scales(const std::byte* at) { return halvesAt(at); }

    template <int Tokens>
    MOESCOPE_AVX512 static inline void add(const std::byte* quants, const std::int8_t* const* digits, DigitSums* sums) {
        for (int quad = 0; quad < kBlockColumns / 4; ++quad) {
            const __m512i weights = _mm512_load_si512(quants + quad * 64);
            for (int t = 0; t < Tokens; ++t)
                addQuad(sums[t], weights, digits[t] + quad * 4);
        }
    }
};

struct Q4 {
    static constexpr std::ptrdiff_t kBytes = kBlockColumns * kGroupRows / 2;
    static constexpr std::ptrdiff_t kScaleBytes = 2 * kGroupRows;

    /// Weights are 0..15 with 8 to be taken off, a sixteenth of what Q8 takes off.
    static int correction(int stored) { return stored / 16; }
    static float activationScale(float stored) { return stored; }
    MOESCOPE_AVX512 static inline __m512 scales(const std::byte* at) { return halvesAt(at); }

    template <int Tokens>
    MOESCOPE_AVX512 static inline void add(const std::byte* quants, const std::int8_t* const* digits, DigitSums* sums) {
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

struct Mxfp4 {
    static constexpr std::ptrdiff_t kBytes = kBlockColumns * kGroupRows / 2;
    static constexpr std::ptrdiff_t kScaleBytes = kGroupRows;

    /// Weights are -12..12, made 0..24.
    static int correction(int stored) { return stored / 128 * 12; }
    /// Codes are doubled.
    static float activationScale(float stored) { return 0.5F * stored; }
    /// 2^(exponent - 127): as the exponent of a float; 0 has no normal float, 255 is not a number.
    MOESCOPE_AVX512 static inline __m512 scales(const std::byte* at) {
        const __m512i exponents = _mm512_maskz_cvtepu8_epi32(kAllLanes, _mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
        const __m512i quiet = _mm512_set1_epi32(0x00400000);
        const __m512i bits = _mm512_maskz_max_epu32(kAllLanes, _mm512_maskz_slli_epi32(kAllLanes, exponents, 23), quiet);
        const __mmask16 none = _mm512_cmpeq_epi32_mask(exponents, _mm512_set1_epi32(255));
        return _mm512_castsi512_ps(_mm512_mask_or_epi32(bits, none, bits, quiet));
    }

    template <int Tokens>
    MOESCOPE_AVX512 static inline void add(const std::byte* quants, const std::int8_t* const* digits, DigitSums* sums) {
        const __m512i nibble = _mm512_set1_epi8(15);
        const __m128i codes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(model::kDoubledE2M1.data()));
        const __m512i table = _mm512_maskz_broadcast_i32x4(kAllLanes, _mm_add_epi8(codes, _mm_set1_epi8(12)));
        for (int quad = 0; quad < kBlockColumns / 8; ++quad) {
            const __m512i two = _mm512_load_si512(quants + quad * 64);
            const __m512i low = _mm512_shuffle_epi8(table, _mm512_and_si512(two, nibble));
            const __m512i high = _mm512_shuffle_epi8(table, _mm512_and_si512(_mm512_srli_epi16(two, 4), nibble));
            for (int t = 0; t < Tokens; ++t) {
                addQuad(sums[t], low, digits[t] + quad * 4);
                addQuad(sums[t], high, digits[t] + kBlockColumns / 2 + quad * 4);
            }
        }
    }
};

template <class Format>
struct BlockTile {
    template <int Tokens>
    MOESCOPE_AVX512 static inline void run(const PackedMatrix& matrix, int group, const ActivationRow* tokens,
                                           float* const* outs) {
        const int blocks = matrix.columns / kBlockColumns;
        const std::byte* quants = matrix.group(group);
        const std::byte* scales = quants + blocks * Format::kBytes;
        __m512 totals[Tokens];
        const std::int8_t* digits[Tokens];
        for (int t = 0; t < Tokens; ++t) {
            totals[t] = _mm512_setzero_ps();
            digits[t] = tokens[t].digits;
        }
        for (int block = 0; block < blocks; ++block, quants += Format::kBytes, scales += Format::kScaleBytes) {
            DigitSums sums[Tokens];
            for (int t = 0; t < Tokens; ++t)
                sums[t] = startingAt(Format::correction(tokens[t].corrections[block]));
            Format::template add<Tokens>(quants, digits, sums);
            const __m512 weightScale = Format::scales(scales);
            for (int t = 0; t < Tokens; ++t) {
                const float scale = Format::activationScale(tokens[t].scales[block]);
                totals[t] = _mm512_fmadd_ps(joined(sums[t]), _mm512_mul_ps(weightScale, _mm512_set1_ps(scale)), totals[t]);
                digits[t] += 2 * kBlockColumns;
            }
        }
        for (int t = 0; t < Tokens; ++t)
            _mm512_storeu_ps(outs[t] + group * kGroupRows, totals[t]);
    }
};

} // namespace

void q8Product(const PackedMatrix& matrix, int begin, int end, const ActivationRow* tokens, int count, float* const* outs) {
    inTiles<BlockTile<Q8>>(matrix, begin, end, tokens, count, outs);
}

void q4Product(const PackedMatrix& matrix, int begin, int end, const ActivationRow* tokens, int count, float* const* outs) {
    inTiles<BlockTile<Q4>>(matrix, begin, end, tokens, count, outs);
}

void mxfp4Product(const PackedMatrix& matrix, int begin, int end, const ActivationRow* tokens, int count, float* const* outs) {
    inTiles<BlockTile<Mxfp4>>(matrix, begin, end, tokens, count, outs);
}

} // namespace moescope::backend::avx512
#endif
