#include "engine/backend/cpu/dots_avx512.h"
#include "engine/backend/cpu/int8_kernels.h"
#include "engine/backend/cpu/run_kernels.h"

#if defined(__x86_64__)
#include <utility>

namespace moescope::backend::avx512 {
namespace {

/// Codes of two runs that share their bytes.
struct Pair {
    __m512i first;
    __m512i second;
};

MOESCOPE_AVX512 inline __m512i quadAt(const std::byte* at, std::ptrdiff_t quad) {
    return _mm512_load_si512(at + quad * kQuadBytes);
}

MOESCOPE_AVX512 inline Pair nibblesOf(__m512i two) {
    const __m512i nibble = _mm512_set1_epi8(15);
    return {_mm512_and_si512(two, nibble), _mm512_and_si512(_mm512_srli_epi16(two, 4), nibble)};
}

/// The bits of a byte that a mask keeps, `Left` places further up; what comes over from the neighbouring byte is masked out.
template <int Left>
MOESCOPE_AVX512 inline __m512i moved(__m512i bits, int mask) {
    const __m512i kept = _mm512_set1_epi8(static_cast<char>(mask));
    if constexpr (Left >= 0)
        return _mm512_and_si512(_mm512_slli_epi16(bits, Left), kept);
    else
        return _mm512_and_si512(_mm512_srli_epi16(bits, -Left), kept);
}

MOESCOPE_AVX512 inline __m512 unsignedBytes(const std::byte* at) {
    return _mm512_maskz_cvtepi32_ps(
        kAllLanes, _mm512_maskz_cvtepu8_epi32(kAllLanes, _mm_load_si128(reinterpret_cast<const __m128i*>(at))));
}

struct Q4K : Q4KLayout {
    template <int Step>
    MOESCOPE_AVX512 static inline Pair codes(const std::byte* at, int quad) {
        return nibblesOf(quadAt(at, 8 * Step + quad));
    }
    MOESCOPE_AVX512 static inline __m512 scales(const std::byte* at, int run) { return unsignedBytes(at + kScales + run * 16); }
};

struct Q5K : Q5KLayout {
    template <int Step>
    MOESCOPE_AVX512 static inline Pair codes(const std::byte* at, int quad) {
        const Pair low = nibblesOf(quadAt(at, 8 * Step + quad));
        const __m512i fifth = quadAt(at + kHighs, quad);
        return {_mm512_or_si512(low.first, moved<4 - 2 * Step>(fifth, 16)),
                _mm512_or_si512(low.second, moved<3 - 2 * Step>(fifth, 16))};
    }
    MOESCOPE_AVX512 static inline __m512 scales(const std::byte* at, int run) { return unsignedBytes(at + kScales + run * 16); }
};

struct Q6K : Q6KLayout {
    template <int Step>
    MOESCOPE_AVX512 static inline Pair codes(const std::byte* at, int quad) {
        const Pair low = nibblesOf(quadAt(at, lowQuad(Step) + quad));
        const __m512i high = quadAt(at + kHighs, highQuad(Step) + quad);
        return {_mm512_or_si512(low.first, moved<4 - 2 * part(Step)>(high, 48)),
                _mm512_or_si512(low.second, moved<-2 * part(Step)>(high, 48))};
    }
    MOESCOPE_AVX512 static inline __m512 scales(const std::byte* at, int run) {
        const __m128i sixteen = _mm_load_si128(reinterpret_cast<const __m128i*>(at + kScales + run * 16));
        return _mm512_maskz_cvtepi32_ps(kAllLanes, _mm512_maskz_cvtepi8_epi32(kAllLanes, sixteen));
    }
};

/// Of a super-block and 16 rows.
struct Super {
    const std::byte* at;
    __m512 scale;
    __m512 least;
    int number;
};

template <class Format, int Tokens>
struct SuperTile {
    /// Adds a run's sums to the totals.
    MOESCOPE_AVX512 static inline void finish(const Super& super, int run, const DigitSums* sums, const ActivationRow* tokens,
                                              __m512* totals) {
        const int block = (super.number * kSuperColumns + run * Format::kRun) / kBlockColumns;
        const __m512 scale = _mm512_mul_ps(super.scale, Format::scales(super.at, run));
        for (int t = 0; t < Tokens; ++t)
            totals[t] =
                _mm512_fmadd_ps(joined(sums[t]), _mm512_mul_ps(scale, _mm512_set1_ps(tokens[t].scales[block])), totals[t]);
        if constexpr (Format::kHalves == 2) {
            const __m512 least = _mm512_mul_ps(super.least, unsignedBytes(super.at + Format::kLeasts + run * 16));
            for (int t = 0; t < Tokens; ++t)
                totals[t] = _mm512_fmadd_ps(least, _mm512_set1_ps(minusSum(tokens[t], block)), totals[t]);
        }
    }

    template <int Step>
    MOESCOPE_AVX512 static inline void step(const Super& super, const ActivationRow* tokens, __m512* totals) {
        constexpr int kFirst = Format::firstRun(Step);
        constexpr int kSecond = Format::secondRun(Step);
        DigitSums first[Tokens];
        DigitSums second[Tokens];
        const std::int8_t* firstDigits[Tokens];
        const std::int8_t* secondDigits[Tokens];
        for (int t = 0; t < Tokens; ++t) {
            const int column = super.number * kSuperColumns;
            firstDigits[t] = digitsAt(tokens[t], column + kFirst * Format::kRun);
            secondDigits[t] = digitsAt(tokens[t], column + kSecond * Format::kRun);
            first[t] = startingAt(correctionOf<Format>(tokens[t], super.number, kFirst));
            second[t] = startingAt(correctionOf<Format>(tokens[t], super.number, kSecond));
        }
        for (int quad = 0; quad < Format::kRun / 4; ++quad) {
            const Pair codes = Format::template codes<Step>(super.at, quad);
            for (int t = 0; t < Tokens; ++t) {
                addQuad(first[t], codes.first, firstDigits[t] + quad * 4);
                addQuad(second[t], codes.second, secondDigits[t] + quad * 4);
            }
        }
        finish(super, kFirst, first, tokens, totals);
        finish(super, kSecond, second, tokens, totals);
    }

    template <int... Steps>
    MOESCOPE_AVX512 static inline void allSteps(std::integer_sequence<int, Steps...>, const Super& super,
                                                const ActivationRow* tokens, __m512* totals) {
        (step<Steps>(super, tokens, totals), ...);
    }
};

template <class Format>
struct KTile {
    template <int Tokens>
    MOESCOPE_AVX512 static inline void run(const PackedMatrix& matrix, int group, const ActivationRow* tokens,
                                           float* const* outs) {
        const int supers = matrix.columns / kSuperColumns;
        const std::byte* at = matrix.group(group);
        const std::byte* halves = at + supers * Format::kBytes;
        __m512 totals[Tokens];
        for (int t = 0; t < Tokens; ++t)
            totals[t] = _mm512_setzero_ps();
        for (int super = 0; super < supers; ++super, at += Format::kBytes, halves += Format::kHalves * 2 * kGroupRows) {
            const Super here{at, halvesAt(halves), halvesAt(halves + (Format::kHalves - 1) * 2 * kGroupRows), super};
            SuperTile<Format, Tokens>::allSteps(std::make_integer_sequence<int, Format::kSteps>(), here, tokens, totals);
        }
        for (int t = 0; t < Tokens; ++t)
            _mm512_storeu_ps(outs[t] + group * kGroupRows, totals[t]);
    }
};

/// Layout::Runs.
struct RunTile {
    template <int Tokens>
    MOESCOPE_AVX512 static inline void run(const PackedMatrix& matrix, int group, const ActivationRow* tokens,
                                           float* const* outs) {
        const int runs = matrix.columns / kSumColumns;
        const std::byte* at = matrix.group(group);
        __m512 totals[Tokens];
        for (int t = 0; t < Tokens; ++t)
            totals[t] = _mm512_setzero_ps();
        for (int run = 0; run < runs; ++run, at += kRunBytes) {
            DigitSums sums[Tokens];
            for (int t = 0; t < Tokens; ++t)
                sums[t] = startingAt(-128 * tokens[t].sums[run]);
            for (int quad = 0; quad < kSumColumns / 4; ++quad) {
                const __m512i weights = quadAt(at, quad);
                for (int t = 0; t < Tokens; ++t)
                    addQuad(sums[t], weights, digitsAt(tokens[t], run * kSumColumns) + quad * 4);
            }
            const __m512 scales = _mm512_load_ps(at + kRunScales);
            const __m512 offsets = _mm512_load_ps(at + kRunOffsets);
            for (int t = 0; t < Tokens; ++t) {
                const float scale = tokens[t].scales[run / 2];
                totals[t] = _mm512_fmadd_ps(joined(sums[t]), _mm512_mul_ps(scales, _mm512_set1_ps(scale)), totals[t]);
                const float sum = scale * static_cast<float>(tokens[t].sums[run]);
                totals[t] = _mm512_fmadd_ps(offsets, _mm512_set1_ps(sum), totals[t]);
            }
        }
        for (int t = 0; t < Tokens; ++t)
            _mm512_storeu_ps(outs[t] + group * kGroupRows, totals[t]);
    }
};

} // namespace

void q4kProduct(const PackedMatrix& matrix, int begin, int end, const ActivationRow* tokens, int count, float* const* outs) {
    inTiles<KTile<Q4K>>(matrix, begin, end, tokens, count, outs);
}

void q5kProduct(const PackedMatrix& matrix, int begin, int end, const ActivationRow* tokens, int count, float* const* outs) {
    inTiles<KTile<Q5K>>(matrix, begin, end, tokens, count, outs);
}

void q6kProduct(const PackedMatrix& matrix, int begin, int end, const ActivationRow* tokens, int count, float* const* outs) {
    inTiles<KTile<Q6K>>(matrix, begin, end, tokens, count, outs);
}

void runsProduct(const PackedMatrix& matrix, int begin, int end, const ActivationRow* tokens, int count, float* const* outs) {
    inTiles<RunTile>(matrix, begin, end, tokens, count, outs);
}

} // namespace moescope::backend::avx512
#endif
