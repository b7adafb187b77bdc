#include "engine/policy/miss_service.h"

#include <algorithm>
#include <tuple>

namespace moescope::policy {

void MissService::eligible(const MissQuestion& question, std::vector<int>& indices) {
    indices.clear();
    const auto miss = [&](int index) { return question.misses[static_cast<std::size_t>(index)]; };
    int waiting = 0;
    for (int i = 0; i < static_cast<int>(question.misses.size()); ++i) {
        waiting += miss(i).travels() ? 0 : 1;
        const bool soon =
            miss(i).travels() && (question.inPlaceNs < 0 || miss(i).arrivesNs <= question.inPlaceNs * miss(i).tokens);
        if (miss(i).tokens <= kMostTokens && !soon)
            indices.push_back(i);
    }
    const auto rank = [&](int index) {
        return std::make_tuple(miss(index).tokens, miss(index).travels(), miss(index).weight, index);
    };
    std::sort(indices.begin(), indices.end(), [&](int a, int b) { return rank(a) < rank(b); });
    int staying = std::max(0, waiting - std::max(0, question.freeSlots));
    std::erase_if(indices, [&](int index) { return !miss(index).travels() && staying-- <= 0; });
}

} // namespace moescope::policy
