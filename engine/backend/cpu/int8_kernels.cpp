#include "engine/backend/cpu/int8_kernels.h"

namespace moescope::backend {
namespace {

constexpr Int8Kernels kScalar{"scalar", scalar::q8Product, scalar::q4Product};

#if defined(__x86_64__)
constexpr Int8Kernels kAll[] = {
    {"AVX-512 VNNI", avx512::q8Product, avx512::q4Product}, {"AVX2", avx2::q8Product, avx2::q4Product}, kScalar};

bool hasAvx512() {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vnni");
}

bool hasAvx2() {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
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

} // namespace moescope::backend
