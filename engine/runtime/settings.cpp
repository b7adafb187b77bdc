#include "engine/runtime/settings.h"

#include "engine/expert/expert_mover.h"
#include "engine/policy/allocation_policy.h"
#include "engine/policy/cache_policy.h"
#include "engine/policy/gate_policy.h"
#include "engine/policy/miss_service.h"
#include "engine/policy/next_layer_policy.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <optional>
#include <stdexcept>

namespace moescope::runtime {

namespace {

constexpr double kMostBudgetMb = 1e6;
constexpr int kMostSlots = 1'000'000;
constexpr int kMostSteps = 1'000'000;
constexpr std::string_view kAuto = "auto";

[[noreturn]] void refuse(std::string_view name, std::string_view value, const std::string& allowed) {
    throw std::invalid_argument(fmt::format("The setting {} cannot be '{}'; allowed is {}.", name, value, allowed));
}

template <class Number>
std::optional<Number> numberOf(std::string_view text) {
    Number number{};
    const char* end = text.data() + text.size();
    const auto [stop, problem] = std::from_chars(text.data(), end, number);
    if (problem != std::errc() || stop != end)
        return std::nullopt;
    return number;
}

std::string nameFrom(std::string_view name, std::string_view value, const std::vector<std::string>& allowed) {
    if (std::find(allowed.begin(), allowed.end(), value) == allowed.end())
        refuse(name, value, fmt::format("{}", fmt::join(allowed, ", ")));
    return std::string(value);
}

int wholeFrom(std::string_view name, std::string_view value, int least, int most) {
    const auto number = numberOf<int>(value);
    if (!number || *number < least || *number > most)
        refuse(name, value, fmt::format("a whole number from {} to {}", least, most));
    return *number;
}

double realFrom(std::string_view name, std::string_view value, double most) {
    const auto number = numberOf<double>(value);
    if (!number || !std::isfinite(*number) || *number < 0 || *number > most)
        refuse(name, value, fmt::format("a number from 0 to {:.0f}", most));
    return *number == 0 ? 0 : *number; // no negative zero
}

double budgetFrom(std::string_view name, std::string_view value) {
    if (value == kAuto)
        return Settings::kAutoBudget;
    const auto number = numberOf<double>(value);
    if (!number || !std::isfinite(*number) || *number < 0 || *number > kMostBudgetMb)
        refuse(name, value, fmt::format("a number from 0 to {:.0f}, or {}", kMostBudgetMb, kAuto));
    return *number == 0 ? 0 : *number; // no negative zero
}

bool switchFrom(std::string_view name, std::string_view value) {
    return nameFrom(name, value, {"on", "off"}) == "on";
}

std::string linkFrom(std::string_view name, std::string_view value) {
    try {
        return expert::parseLink(value).name;
    } catch (const std::invalid_argument&) {
        refuse(name, value, fmt::format("{} or a number of GB/s", fmt::join(expert::linkNames(), ", ")));
    }
}

std::string gateLayersFrom(std::string_view name, std::string_view value) {
    try {
        return policy::formatLayerOverrides(policy::parseLayerOverrides(value));
    } catch (const std::invalid_argument&) {
        refuse(name, value, "none, or layers and thresholds as in 3:0.01,5-7:0.2");
    }
}

std::string cacheWeightsFrom(std::string_view name, std::string_view value) {
    try {
        return policy::formatCacheWeights(policy::parseCacheWeights(value));
    } catch (const std::invalid_argument&) {
        refuse(name, value, "three numbers from 0 to 1000 for lru, lfu and fld, not all 0, as in 0.25,0.5,0.25");
    }
}

[[noreturn]] void unknown(std::string_view name) {
    throw std::invalid_argument(fmt::format("There is no setting '{}'; known are {}.", name, fmt::join(settingNames(), ", ")));
}

} // namespace

std::vector<std::string> settingNames() {
    return {"gate",
            "gate-threshold",
            "gate-layers",
            "gate-phase",
            "cache",
            "cache-weights",
            "cache-experts",
            "allocation",
            "prefetch",
            "prefetch-depth",
            "prefetch-budget-mb",
            "prefetch-spare-steps",
            "prefetch-first-layer",
            "prefetch-watch",
            "link",
            "miss-service"};
}

std::string settingValue(const Settings& settings, std::string_view name) {
    if (name == "gate")
        return settings.gate;
    if (name == "gate-threshold")
        return fmt::format("{}", settings.gateThreshold);
    if (name == "gate-layers")
        return settings.gateLayers;
    if (name == "gate-phase")
        return settings.gatePhase;
    if (name == "cache")
        return settings.cache;
    if (name == "cache-weights")
        return settings.cacheWeights;
    if (name == "cache-experts")
        return fmt::format("{}", settings.cacheExperts);
    if (name == "allocation")
        return settings.allocation;
    if (name == "prefetch")
        return settings.prefetch;
    if (name == "prefetch-depth")
        return fmt::format("{}", settings.prefetchDepth);
    if (name == "prefetch-budget-mb")
        return settings.prefetchBudgetMb < 0 ? std::string(kAuto) : fmt::format("{}", settings.prefetchBudgetMb);
    if (name == "prefetch-spare-steps")
        return fmt::format("{}", settings.prefetchSpareSteps);
    if (name == "prefetch-first-layer")
        return settings.prefetchFirstLayer ? "on" : "off";
    if (name == "prefetch-watch")
        return settings.prefetchWatch ? "on" : "off";
    if (name == "link")
        return settings.link;
    if (name == "miss-service")
        return settings.missService;
    unknown(name);
}

void setSetting(Settings& settings, std::string_view name, std::string_view value) {
    if (name == "gate")
        settings.gate = nameFrom(name, value, policy::gatePolicyNames());
    else if (name == "gate-threshold")
        settings.gateThreshold = realFrom(name, value, 1e6);
    else if (name == "gate-layers")
        settings.gateLayers = gateLayersFrom(name, value);
    else if (name == "gate-phase")
        settings.gatePhase = nameFrom(name, value, policy::gatePhaseNames());
    else if (name == "cache-weights")
        settings.cacheWeights = cacheWeightsFrom(name, value);
    else if (name == "cache")
        settings.cache = nameFrom(name, value, policy::cachePolicyNames());
    else if (name == "cache-experts")
        settings.cacheExperts = wholeFrom(name, value, 0, kMostSlots);
    else if (name == "allocation")
        settings.allocation = nameFrom(name, value, policy::allocationPolicyNames());
    else if (name == "prefetch")
        settings.prefetch = nameFrom(name, value, policy::prefetchPolicyNames());
    else if (name == "prefetch-depth")
        settings.prefetchDepth = wholeFrom(name, value, 1, policy::NextLayerPolicy::kMaxDepth);
    else if (name == "prefetch-budget-mb")
        settings.prefetchBudgetMb = budgetFrom(name, value);
    else if (name == "prefetch-spare-steps")
        settings.prefetchSpareSteps = wholeFrom(name, value, 0, kMostSteps);
    else if (name == "prefetch-first-layer")
        settings.prefetchFirstLayer = switchFrom(name, value);
    else if (name == "prefetch-watch")
        settings.prefetchWatch = switchFrom(name, value);
    else if (name == "link")
        settings.link = linkFrom(name, value);
    else if (name == "miss-service")
        settings.missService = nameFrom(name, value, policy::missServiceNames());
    else
        unknown(name);
}

} // namespace moescope::runtime
