#include "engine/backend/cpu/dots_avx2.h"
#include "engine/backend/cpu/int8_kernels.h"
#include "engine/backend/cpu/run_kernels.h"

#if defined(__x86_64__)
#include <utility>

namespace moescope::backend::avx2 {
namespace {

/// Codes of two runs that share their bytes.
struct Pair {
    __m256i first;
    __m256i second;
};

MOESCOPE_AVX2 inline Pair nibblesOf(__m256i two) {
    const __m256i nibble = _mm256_set1_epi8(15);
    return {_mm256_and_si256(two, nibble), _mm256_and_si256(_mm256_srli_epi16(two, 4), nibble)};
}

/// The bits of a byte that a mask keeps, `Left` places further up; what comes over from the neighbouring byte is masked out.
template <int Left>
MOESCOPE_AVX2 inline __m256i moved(__m256i bits, int mask) {
    const __m256i kept = _mm256_set1_epi8(static_cast<char>(mask));
    if constexpr (Left >= 0)
        return _mm256_and_si256(_mm256_slli_epi16(bits, Left), kept);
    else
        return _mm256_and_si256(_mm256_srli_epi16(bits, -Left), kept);
}

MOESCOPE_AVX2 inline __m256 unsignedBytes(const std::byte* at) {
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(at))));
}

struct Q4K : Q4KLayout {
    template <int Step>
    MOESCOPE_AVX2 static inline Pair codes(const std::byte* quads, int quad) {
        return nibblesOf(bytesAt(quads + (8 * Step + quad) * kQuadBytes));
    }
    MOESCOPE_AVX2 static inline __m256 scales(const std::byte* bytes) { return unsignedBytes(bytes); }
};

struct Q5K : Q5KLayout {
    template <int Step>
    MOESCOPE_AVX2 static inline Pair codes(const std::byte* quads, int quad) {
        const Pair low = nibblesOf(bytesAt(quads + (8 * Step + quad) * kQuadBytes));
        const __m256i fifth = bytesAt(quads + kHighs + quad * kQuadBytes);
        return {_mm256_or_si256(low.first, moved<4 - 2 * Step>(fifth, 16)),
                _mm256_or_si256(low.second, moved<3 - 2 * Step>(fifth, 16))};
    }
    MOESCOPE_AVX2 static inline __m256 scales(const std::byte* bytes) { return unsignedBytes(bytes); }
};

struct Q6K : Q6KLayout {
    template <int Step>
    MOESCOPE_AVX2 static inline Pair codes(const std::byte* quads, int quad) {
        const Pair low = nibblesOf(bytesAt(quads + (lowQuad(Step) + quad) * kQuadBytes));
        const __m256i high = bytesAt(quads + kHighs + (highQuad(Step) + quad) * kQuadBytes);
        return {_mm256_or_si256(low.first, moved<4 - 2 * part(Step)>(high, 48)),
                _mm256_or_si256(low.second, moved<-2 * part(Step)>(high, 48))};
    }
    MOESCOPE_AVX2 static inline __m256 scales(const std::byte* bytes) {
        return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(bytes))));
    }
};

/// Of a super-block and 8 rows.
struct Super {
    const std::byte* at;
    int firstRow;
    __m256 scale;
    __m256 least;
    int number;
};

template <class Format>
struct KHalf {
    /// The total with a run's sums added.
    MOESCOPE_AVX2 static inline __m256 plus(__m256 total, const Super& super, int run, const DigitSums& sums,
                                            const ActivationRow& token) {
        const int block = (super.number * kSuperColumns + run * Format::kRun) / kBlockColumns;
        const std::byte* bytes = super.at + run * kGroupRows + super.firstRow;
        const __m256 scale = _mm256_mul_ps(super.scale, Format::scales(bytes + Format::kScales));
        total = _mm256_fmadd_ps(joined(sums), _mm256_mul_ps(scale, _mm256_set1_ps(token.scales[block])), total);
        if constexpr (Format::kHalves == 2) {
            const __m256 least = _mm256_mul_ps(super.least, unsignedBytes(bytes + Format::kLeasts));
            total = _mm256_fmadd_ps(least, _mm256_set1_ps(minusSum(token, block)), total);
        }
        return total;
    }

    template <int Step>
    MOESCOPE_AVX2 static inline __m256 step(__m256 total, const Super& super, const ActivationRow& token) {
        constexpr int kFirst = Format::firstRun(Step);
        constexpr int kSecond = Format::secondRun(Step);
        const int column = super.number * kSuperColumns;
        const std::int8_t* firstDigits = digitsAt(token, column + kFirst * Format::kRun);
        const std::int8_t* secondDigits = digitsAt(token, column + kSecond * Format::kRun);
        DigitSums first = startingAt(correctionOf<Format>(token, super.number, kFirst));
        DigitSums second = startingAt(correctionOf<Format>(token, super.number, kSecond));
        for (int quad = 0; quad < Format::kRun / 4; ++quad) {
            const Pair codes = Format::template codes<Step>(super.at + super.firstRow * 4, quad);
            addQuad(first, codes.first, firstDigits + quad * 4);
            addQuad(second, codes.second, secondDigits + quad * 4);
        }
        return plus(plus(total, super, kFirst, first, token), super, kSecond, second, token);
    }

    template <int... Steps>
    MOESCOPE_AVX2 static inline __m256 allSteps(std::integer_sequence<int, Steps...>, __m256 total, const Super& super,
                                                const ActivationRow& token) {
        ((total = step<Steps>(total, super, token)), ...);
        return total;
    }

    MOESCOPE_AVX2 static inline void run(const PackedMatrix& matrix, int group, int first, const ActivationRow& token,
                                         float* out) {
        const int supers = matrix.columns / kSuperColumns;
        const std::byte* at = matrix.group(group);
        const std::byte* halves = at + supers * Format::kBytes + first * 2;
        __m256 total = _mm256_setzero_ps();
        for (int super = 0; super < supers; ++super, at += Format::kBytes, halves += Format::kHalves * 2 * kGroupRows) {
            const Super here{at, first, halvesAt(halves), halvesAt(halves + (Format::kHalves - 1) * 2 * kGroupRows), super};
            total = allSteps(std::make_integer_sequence<int, Format::kSteps>(), total, here, token);
        }
        _mm256_storeu_ps(out, total);
    }
};

/// Layout::Runs.
struct RunHalf {
    MOESCOPE_AVX2 static inline void run(const PackedMatrix& matrix, int group, int first, const ActivationRow& token,
                                         float* out) {
        const int runs = matrix.columns / kSumColumns;
        const std::byte* at = matrix.group(group) + first * 4;
        __m256 total = _mm256_setzero_ps();
        for (int run = 0; run < runs; ++run, at += kRunBytes) {
            const std::int8_t* digits = digitsAt(token, run * kSumColumns);
            DigitSums sums = startingAt(0);
            for (int quad = 0; quad < kSumColumns / 4; ++quad)
                addWideQuad(sums, bytesAt(at + quad * kQuadBytes), digits + quad * 4);
            const float scale = token.scales[run / 2];
            const __m256 scales = _mm256_mul_ps(_mm256_castsi256_ps(bytesAt(at + kRunScales)), _mm256_set1_ps(scale));
            total = _mm256_fmadd_ps(joined(sums), scales, total);
            total = _mm256_fmadd_ps(_mm256_castsi256_ps(bytesAt(at + kRunOffsets)),
                                    _mm256_set1_ps(scale * static_cast<float>(token.sums[run])), total);
        }
        _mm256_storeu_ps(out, total);
    }
};

} // namespace

void q4kProduct(const PackedMatrix& matrix, int begin, int end, const ActivationRow* tokens, int count, float* const* outs) {
    inHalves<KHalf<Q4K>>(matrix, begin, end, tokens, count, outs);
}

void q5kProduct(const PackedMatrix& matrix, int begin, int end, const ActivationRow* tokens, int count, float* const* outs) {
    inHalves<KHalf<Q5K>>(matrix, begin, end, tokens, count, outs);
}

void q6kProduct(const PackedMatrix& matrix, int begin, int end, const ActivationRow* tokens, int count, float* const* outs) {
    inHalves<KHalf<Q6K>>(matrix, begin, end, tokens, count, outs);
}

void runsProduct(const PackedMatrix& matrix, int begin, int end, const ActivationRow* tokens, int count, float* const* outs) {
    inHalves<RunHalf>(matrix, begin, end, tokens, count, outs);
}

} // namespace moescope::backend::avx2
#endif
