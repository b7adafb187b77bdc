#include "engine/policy/target_k.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <stdexcept>

namespace moescope::policy {

DecisionTrace::DecisionTrace(int experts, RouterRule rule) : m_experts(static_cast<std::size_t>(experts)), m_rule(rule) {
    if (experts < 1)
        throw std::invalid_argument(fmt::format("A trace of router decisions needs experts, not {}.", experts));
}

void DecisionTrace::add(int layer, trace::TokenIndex token, std::span<const float> probabilities) {
    if (probabilities.size() != m_experts)
        throw std::invalid_argument(
            fmt::format("A router decision has {} probabilities and the trace {} experts.", probabilities.size(), m_experts));
    m_places.push_back({layer, token});
    // softmax(log p) = p: gates want logits.
    for (const float p : probabilities)
        m_logits.push_back(std::log(p));
}

DecisionTrace::Kept DecisionTrace::keptBy(const GatePolicy& gate) const {
    std::vector<float> scratch(m_experts);
    std::int64_t kept = 0;
    std::int64_t single = 0;
    for (std::size_t i = 0; i < m_places.size(); ++i) {
        const GateChoice choice = gate.choose({.layer = m_places[i].layer,
                                               .logits = std::span(m_logits).subspan(i * m_experts, m_experts),
                                               .rule = m_rule,
                                               .token = m_places[i].token},
                                              scratch);
        kept += choice.kept;
        single += choice.kept == 1 ? 1 : 0;
    }
    const auto decisions = static_cast<double>(m_places.empty() ? 1 : m_places.size());
    return {static_cast<double>(kept) / decisions, static_cast<double>(single) / decisions};
}

TargetThreshold findThreshold(const std::function<double(double)>& meanExperts, double target, double most) {
    constexpr double kFirst = 1e-9;
    constexpr double kLeast = 1e-15; // what drops experts of weight 0 has no smallest threshold
    double low = 0;                  // keeps more than the target
    double high = 0;
    double mean = meanExperts(0);
    while (mean > target) {
        if (high >= most)
            return {.threshold = most, .meanExperts = mean, .reached = false};
        low = high;
        high = std::min(most, high > 0 ? high * 4 : kFirst);
        mean = meanExperts(high);
    }
    while (high - low > high * 1e-12 && high > kLeast) {
        const double middle = low + (high - low) / 2;
        const double there = meanExperts(middle);
        if (there > target) {
            low = middle;
        } else {
            high = middle;
            mean = there;
        }
    }
    return {.threshold = high, .meanExperts = mean, .reached = true};
}

bool foundForAnotherGate(std::string_view gate) {
    return gate == "adapmoe-residency";
}

TargetThreshold thresholdForMeanK(std::string_view gate, GateParameters parameters, const DecisionTrace& trace, double target) {
    if (!(target >= 1 && target <= trace::kMaxTopK))
        throw std::invalid_argument(
            fmt::format("The target must be 1 to {} experts per token and layer, not {}.", trace::kMaxTopK, target));
    if (trace.size() == 0)
        throw std::invalid_argument("There are no router decisions to find a threshold on.");
    if (gate == "topk")
        throw std::invalid_argument("The gate topk drops nothing, so no threshold reaches a target; choose another gate.");
    const std::string_view asked = foundForAnotherGate(gate) ? "adapmoe-pair" : gate;
    parameters.phases = GatePhases::Both;
    const auto keptAt = [&](double threshold) {
        parameters.threshold = threshold;
        return trace.keptBy(*makeGatePolicy(asked, parameters));
    };
    TargetThreshold found = findThreshold([&](double threshold) { return keptAt(threshold).meanExperts; }, target);
    found.singleShare = keptAt(found.threshold).singleShare;
    return found;
}

} // namespace moescope::policy
