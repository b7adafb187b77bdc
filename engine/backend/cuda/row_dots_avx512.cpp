#include "engine/backend/cuda/row_dots.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define MOESCOPE_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni,avx512dq,fma,f16c")))

namespace moescope::backend::cuda::avx512 {
namespace {

// The zero-masked forms compile to the plain ones; g++ 12 warns of an uninitialised variable inside the latter.
constexpr __mmask16 kAllLanes = 0xffff;
// Host memory comes in small pages, at whose ends the processor's own prefetching stops.
constexpr std::ptrdiff_t kAhead = 4096;

/// The first `bytes` of 64, zero beyond: nothing behind a row is read.
MOESCOPE_AVX512 inline __m512i loadUpTo(const std::byte* at, int bytes) {
    const __mmask64 mask = bytes >= 64 ? ~std::uint64_t{0} : bytes <= 0 ? 0 : (std::uint64_t{1} << bytes) - 1;
    return _mm512_maskz_loadu_epi8(mask, at);
}

MOESCOPE_AVX512 inline __mmask16 firstOf(int count) {
    return static_cast<__mmask16>(count >= 16 ? 0xffff : (1 << count) - 1);
}

/// 255 * high + low.
MOESCOPE_AVX512 inline __m512i joined(__m512i high, __m512i low) {
    return _mm512_add_epi32(_mm512_sub_epi32(_mm512_maskz_slli_epi32(kAllLanes, high, 8), high), low);
}

MOESCOPE_AVX512 inline __m512i sumsOfPairs(__m512i a, __m512i b) {
    return _mm512_add_epi32(_mm512_maskz_unpacklo_epi32(kAllLanes, a, b), _mm512_maskz_unpackhi_epi32(kAllLanes, a, b));
}

/// parts[q] holds four sums for each of the chunks 4q to 4q + 3; lane c of the result is the sum of chunk c's.
MOESCOPE_AVX512 inline __m512i sumsOfChunks(const __m512i (&parts)[4]) {
    const __m512i first = sumsOfPairs(parts[0], parts[1]);
    const __m512i second = sumsOfPairs(parts[2], parts[3]);
    const __m512i sums =
        _mm512_add_epi32(_mm512_maskz_unpacklo_epi64(0xff, first, second), _mm512_maskz_unpackhi_epi64(0xff, first, second));
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    return _mm512_maskz_permutexvar_epi32(kAllLanes, order, sums);
}

/// As the GPU's tree over sixteen of its lanes: neighbours first.
MOESCOPE_AVX512 inline float treeOf(__m512 sums) {
    sums = _mm512_add_ps(sums, _mm512_maskz_permute_ps(kAllLanes, sums, 0xB1));          // l and l ^ 1
    sums = _mm512_add_ps(sums, _mm512_maskz_permute_ps(kAllLanes, sums, 0x4E));          // l and l ^ 2
    sums = _mm512_add_ps(sums, _mm512_maskz_shuffle_f32x4(kAllLanes, sums, sums, 0xB1)); // l and l ^ 4
    sums = _mm512_add_ps(sums, _mm512_maskz_shuffle_f32x4(kAllLanes, sums, sums, 0x4E)); // l and l ^ 8
    return _mm512_cvtss_f32(sums);
}

struct Q4 {
    static constexpr int kPlanes = 4;

    MOESCOPE_AVX512 static __m512i part(__m512i weights, const std::int8_t* digits) {
        const __m512i nibble = _mm512_set1_epi8(15);
        const __m512i low = _mm512_and_si512(weights, nibble);
        const __m512i high = _mm512_and_si512(_mm512_srli_epi16(weights, 4), nibble);
        const __m512i zero = _mm512_setzero_si512();
        return joined(_mm512_dpbusd_epi32(_mm512_dpbusd_epi32(zero, low, _mm512_loadu_si512(digits)), high,
                                          _mm512_loadu_si512(digits + 64)),
                      _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(zero, low, _mm512_loadu_si512(digits + 128)), high,
                                          _mm512_loadu_si512(digits + 192)));
    }
    /// A scale per chunk.
    MOESCOPE_AVX512 static __m512 scales(const std::byte* scales, int chunk, int left) {
        return _mm512_maskz_cvtph_ps(kAllLanes, _mm256_maskz_loadu_epi16(firstOf(left), scales + chunk * 2));
    }
};

struct Q8 {
    static constexpr int kPlanes = 2;

    MOESCOPE_AVX512 static __m512i part(__m512i weights, const std::int8_t* digits) {
        const __m512i shifted = _mm512_xor_si512(weights, _mm512_set1_epi8(-128));
        const __m512i zero = _mm512_setzero_si512();
        return joined(_mm512_dpbusd_epi32(zero, shifted, _mm512_loadu_si512(digits)),
                      _mm512_dpbusd_epi32(zero, shifted, _mm512_loadu_si512(digits + 64)));
    }
    /// A scale per two chunks.
    MOESCOPE_AVX512 static __m512 scales(const std::byte* scales, int chunk, int left) {
        const auto mask = static_cast<__mmask8>(firstOf((left + 1) / 2));
        const __m256 eight = _mm256_cvtph_ps(_mm_maskz_loadu_epi16(mask, scales + chunk));
        const __m512i twice = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
        return _mm512_maskz_permutexvar_ps(kAllLanes, twice, _mm512_castps256_ps512(eight));
    }
};

template <class Format>
MOESCOPE_AVX512 float dot(const RowInput& x, const std::byte* row) {
    constexpr int kVectorBytes = 64;
    const int chunks = RowDots::chunks(x);
    const int bytes = chunks * RowDots::kChunkBytes;
    const std::byte* rowScales = row + bytes;
    const std::int8_t* digits = RowDots::digits(x);
    __m512 totals[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
    for (int chunk = 0; chunk < chunks; chunk += RowDots::kGroup) {
        __m512i parts[4];
        for (int quad = 0; quad < 4; ++quad, digits += Format::kPlanes * kVectorBytes) {
            const int at = chunk * RowDots::kChunkBytes + quad * kVectorBytes;
            _mm_prefetch(reinterpret_cast<const char*>(row + at + kAhead), _MM_HINT_T0);
            parts[quad] = Format::part(loadUpTo(row + at, bytes - at), digits);
        }
        const __m512i sums = _mm512_add_epi32(sumsOfChunks(parts), _mm512_loadu_si512(RowDots::corrections(x) + chunk));
        const __m512 scale =
            _mm512_mul_ps(Format::scales(rowScales, chunk, chunks - chunk), _mm512_loadu_ps(RowDots::scales(x) + chunk));
        __m512& total = totals[chunk / RowDots::kGroup % 2];
        total = _mm512_fmadd_ps(_mm512_maskz_cvtepi32_ps(kAllLanes, sums), scale, total);
    }
    return treeOf(totals[0]) + treeOf(totals[1]);
}

} // namespace

bool runs() {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("fma");
}

float q4Dot(const RowInput& x, const std::byte* row) {
    return dot<Q4>(x, row);
}

float q8Dot(const RowInput& x, const std::byte* row) {
    return dot<Q8>(x, row);
}

} // namespace moescope::backend::cuda::avx512
#endif
