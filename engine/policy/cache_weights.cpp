#include "engine/policy/cache_policy.h"

#include <array>
#include <charconv>
#include <fmt/format.h>
#include <stdexcept>

namespace moescope::policy {

CacheWeights parseCacheWeights(std::string_view text) {
    const auto refuse = [text] {
        throw std::invalid_argument(fmt::format(
            "'{}' are not three numbers from 0 to 1000, not all 0, with commas between them, as in 0.25,0.5,0.25.", text));
    };
    std::array<double, 3> values{};
    const char* at = text.data();
    const char* end = at + text.size();
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (i > 0 && (at == end || *at++ != ','))
            refuse();
        const auto [stop, problem] = std::from_chars(at, end, values[i]);
        if (problem != std::errc() || !(values[i] >= 0 && values[i] <= 1000))
            refuse();
        at = stop;
    }
    if (at != end || !(values[0] + values[1] + values[2] > 0))
        refuse();
    return {.lru = values[0] + 0.0, .lfu = values[1] + 0.0, .fld = values[2] + 0.0};
}

std::string formatCacheWeights(const CacheWeights& weights) {
    return fmt::format("{},{},{}", weights.lru, weights.lfu, weights.fld);
}

} // namespace moescope::policy
