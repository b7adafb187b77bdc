#include "engine/policy/gate_costs.h"

#include <algorithm>
#include <fmt/format.h>

namespace moescope::policy {

namespace {

/// Two digits where they mean something: 0.04, 0.4, 2.1, 12.
std::string times(double factor) {
    return factor < 0.1  ? fmt::format("{:.2f}", factor)
           : factor < 10 ? fmt::format("{:.1f}", factor)
                         : fmt::format("{:.0f}", factor);
}

} // namespace

std::string lossInWords(double meanKl, const std::vector<QuantisationLoss>& scale) {
    std::vector<QuantisationLoss> marks;
    std::copy_if(scale.begin(), scale.end(), std::back_inserter(marks), [](const auto& mark) { return mark.meanKl > 0; });
    if (marks.empty())
        return {};
    if (meanKl <= 0)
        return "no loss";
    std::sort(marks.begin(), marks.end(), [](const auto& a, const auto& b) { return a.meanKl < b.meanKl; });
    const auto above = std::find_if(marks.begin(), marks.end(), [&](const auto& mark) { return mark.meanKl >= meanKl; });
    const QuantisationLoss& measure = above == marks.end() ? marks.back() : *above;
    const std::string loss = fmt::format("{} x of {}'s loss", times(meanKl / measure.meanKl), measure.type);
    if (above == marks.end())
        return fmt::format("above {}, {}", measure.type, loss);
    if (above == marks.begin())
        return fmt::format("below {}, {}", measure.type, loss);
    return fmt::format("between {} and {}, {}", std::prev(above)->type, measure.type, loss);
}

} // namespace moescope::policy
