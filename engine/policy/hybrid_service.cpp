#include "engine/policy/hybrid_service.h"

#include <algorithm>

namespace moescope::policy {
namespace {

/// When the link has brought all that is not among the first `count` of these.
double linkNs(const MissQuestion& question, const std::vector<int>& order, std::size_t count) {
    double copies = 0;
    double latest = 0;
    for (int i = 0; i < static_cast<int>(question.misses.size()); ++i) {
        const auto end = order.begin() + static_cast<std::ptrdiff_t>(count);
        if (std::find(order.begin(), end, i) != end)
            continue;
        const MissQuestion::Miss& miss = question.misses[static_cast<std::size_t>(i)];
        copies += miss.travels() ? 0 : question.copyNs;
        latest = std::max(latest, miss.arrivesNs);
    }
    return latest + copies;
}

void keepFirst(std::vector<int>& list, std::size_t count) {
    list.erase(list.begin() + static_cast<std::ptrdiff_t>(count), list.end());
}

} // namespace

void HybridService::choose(const MissQuestion& question, std::vector<int>& inPlace) const {
    eligible(question, inPlace);
    if (question.copyNs < 0)
        inPlace.clear();
    if (inPlace.empty())
        return;
    if (question.inPlaceNs < 0) {
        keepFirst(inPlace, 1);
        return;
    }
    std::size_t best = 0;
    double bestCost = 0;
    double processor = 0;
    for (std::size_t count = 0; count <= inPlace.size(); ++count) {
        if (count > 0)
            processor += question.inPlaceNs * question.misses[static_cast<std::size_t>(inPlace[count - 1])].tokens;
        const double link = linkNs(question, inPlace, count);
        const double cost = std::max(link, processor) + question.linkWorth * link;
        if (count == 0 || cost < bestCost) {
            best = count;
            bestCost = cost;
        }
    }
    keepFirst(inPlace, best);
}

} // namespace moescope::policy
