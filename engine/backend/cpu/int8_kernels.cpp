#include "engine/backend/cpu/int8_kernels.h"

#include "engine/backend/cpu/vector_kernels.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace moescope::backend {
namespace {

constexpr Int8Kernels kScalar{"scalar",           scalar::q8Product,  scalar::q4Product,  scalar::mxfp4Product,
                              scalar::q4kProduct, scalar::q5kProduct, scalar::q6kProduct, scalar::runsProduct};

#if defined(__x86_64__)
constexpr Int8Kernels kAll[] = {{"AVX-512 VNNI", avx512::q8Product, avx512::q4Product, avx512::mxfp4Product, avx512::q4kProduct,
                                 avx512::q5kProduct, avx512::q6kProduct, avx512::runsProduct},
                                {"AVX2", avx2::q8Product, avx2::q4Product, avx2::mxfp4Product, avx2::q4kProduct,
                                 avx2::q5kProduct, avx2::q6kProduct, avx2::runsProduct},
                                kScalar};

bool hasAvx512() {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vnni");
}

bool hasAvx2() {
    unsigned a = 0, b = 0, c = 0, d = 0; // clang's __builtin_cpu_supports does not know F16C
    const bool halves = __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
    return halves && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
#else
constexpr Int8Kernels kAll[] = {kScalar};
#endif

} // namespace

std::span<const Int8Kernels> int8Variants() {
    const std::span<const Int8Kernels> all(kAll);
#if defined(__x86_64__)
    if (hasAvx512())
        return all;
    if (hasAvx2())
        return all.subspan(1);
#endif
    return all.last(1);
}

GroupProduct productOf(const Int8Kernels& kernels, model::TensorType type) {
    switch (layoutOf(type)) {
    case Layout::Floats:
        break;
    case Layout::Q8:
        return kernels.q8;
    case Layout::Q4:
        return kernels.q4;
    case Layout::Mxfp4:
        return kernels.mxfp4;
    case Layout::Q4K:
        return kernels.q4k;
    case Layout::Q5K:
        return kernels.q5k;
    case Layout::Q6K:
        return kernels.q6k;
    case Layout::Runs:
        return kernels.runs;
    }
    return floatProduct;
}

} // namespace moescope::backend
