#pragma once
#include <cstdint>
#include <hwy/highway.h>
#include <vector>

namespace moescope::tests {

/// Highway instruction sets that this machine runs and the kernels were compiled for, best first.
inline std::vector<std::int64_t> kernelTargets() {
    std::vector<std::int64_t> targets;
    for (std::int64_t left = hwy::SupportedTargets() & HWY_TARGETS; left != 0; left &= left - 1)
        targets.push_back(left & -left);
    return targets;
}

/// Makes the kernels use one instruction set while it lives.
class UseTarget {
public:
    explicit UseTarget(std::int64_t target) {
        hwy::SetSupportedTargetsForTest(target);
        hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    }
    ~UseTarget() {
        hwy::SetSupportedTargetsForTest(0);
        hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    }
    UseTarget(const UseTarget&) = delete;
    UseTarget& operator=(const UseTarget&) = delete;
};

/// Fused multiply-add, so that results are the same bits as on the best one.
inline bool fuses(std::int64_t target) {
    return target <= HWY_AVX2;
}

} // namespace moescope::tests
