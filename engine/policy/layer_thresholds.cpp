#include "engine/policy/layer_thresholds.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <stdexcept>

namespace moescope::policy {

namespace {

constexpr int kMostLayers = 4096;
constexpr double kMostThreshold = 1e6;

[[noreturn]] void refuse(std::string_view item) {
    throw std::invalid_argument(
        fmt::format("'{}' is not a layer or a range of layers (0 to {}), a colon and a threshold from 0 to "
                    "{:.0f}, as in 3:0.01 or 5-7:0.2.",
                    item, kMostLayers - 1, kMostThreshold));
}

/// Takes a number off the front of text.
template <class Number>
bool take(std::string_view& text, Number& number) {
    const auto [stop, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (problem != std::errc())
        return false;
    text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
    return true;
}

bool takeChar(std::string_view& text, char wanted) {
    if (!text.starts_with(wanted))
        return false;
    text.remove_prefix(1);
    return true;
}

void parseOne(std::string_view item, LayerOverrides& into) {
    std::string_view rest = item;
    int first = 0;
    if (!take(rest, first))
        refuse(item);
    int last = first;
    if (takeChar(rest, '-') && !take(rest, last))
        refuse(item);
    double threshold = 0;
    if (!takeChar(rest, ':') || !take(rest, threshold) || !rest.empty())
        refuse(item);
    if (first < 0 || last < first || last >= kMostLayers || !(threshold >= 0 && threshold <= kMostThreshold))
        refuse(item);
    for (int layer = first; layer <= last; ++layer)
        into[layer] = threshold == 0 ? 0 : threshold; // no negative zero
}

} // namespace

LayerOverrides parseLayerOverrides(std::string_view text) {
    LayerOverrides overrides;
    if (text.empty() || text == "none")
        return overrides;
    while (true) {
        const std::size_t comma = text.find(',');
        parseOne(text.substr(0, comma), overrides);
        if (comma == std::string_view::npos)
            return overrides;
        text.remove_prefix(comma + 1);
    }
}

std::string formatLayerOverrides(const LayerOverrides& overrides) {
    std::string text;
    for (auto begin = overrides.begin(); begin != overrides.end();) {
        auto end = std::next(begin);
        int last = begin->first;
        while (end != overrides.end() && end->first == last + 1 && end->second == begin->second)
            last = (end++)->first;
        const std::string layers = last == begin->first ? fmt::format("{}", last) : fmt::format("{}-{}", begin->first, last);
        text += fmt::format("{}{}:{}", text.empty() ? "" : ",", layers, begin->second);
        begin = end;
    }
    return text.empty() ? "none" : text;
}

LayerThresholds::LayerThresholds(double common, LayerOverrides overrides)
    : m_common(common), m_overrides(std::move(overrides)) {
    const auto check = [](double threshold) {
        if (!std::isfinite(threshold) || threshold < 0)
            throw std::invalid_argument(fmt::format("The gate threshold must be 0 or more, not {}.", threshold));
    };
    check(m_common);
    for (const auto& [layer, threshold] : m_overrides)
        check(threshold);
}

bool LayerThresholds::allZero() const {
    return m_common <= 0 &&
           std::all_of(m_overrides.begin(), m_overrides.end(), [](const auto& entry) { return entry.second <= 0; });
}

} // namespace moescope::policy
