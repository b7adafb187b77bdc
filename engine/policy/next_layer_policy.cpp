#include "engine/policy/next_layer_policy.h"

#include <cmath>
#include <fmt/format.h>
#include <stdexcept>

namespace moescope::policy {

namespace {

/// What the target layer would run if the prediction came true, most probable first.
GateChoice expectedChoice(const PrefetchQuestion& question, int layer, std::span<const float> predicted,
                          std::vector<float>& scratch) {
    const std::size_t experts = predicted.size();
    scratch.resize(2 * experts);
    const std::span<float> logits(scratch.data(), experts);
    const std::span<float> probabilities(scratch.data() + experts, experts);
    // softmax(log p) = p: the gate wants logits, the question has probabilities.
    for (std::size_t i = 0; i < experts; ++i)
        logits[i] = std::log(predicted[i]);
    const RouterRule rule{.topK = question.topK, .renormalise = question.renormalise};
    if (!question.gate)
        return topKChoice(logits, rule, probabilities);
    return question.gate->choose({.layer = layer,
                                  .logits = logits,
                                  .rule = rule,
                                  .residency = question.residency,
                                  .token = question.token,
                                  .phase = question.phase},
                                 probabilities);
}

} // namespace

NextLayerPolicy::NextLayerPolicy(const PrefetchParameters& parameters) : m_parameters(parameters) {
    if (parameters.depth < 1 || parameters.depth > kMaxDepth)
        throw std::invalid_argument(
            fmt::format("The prefetch depth must be 1 to {} layers, not {}.", kMaxDepth, parameters.depth));
    if (parameters.spareSteps < 0)
        throw std::invalid_argument(
            fmt::format("The steps that guesses spare must be 0 or more, not {}.", parameters.spareSteps));
}

PrefetchPlan NextLayerPolicy::suggest(const PrefetchQuestion& question) const {
    PrefetchPlan plan;
    std::int64_t left = question.budgetBytes;
    std::vector<float> scratch;
    for (int depth = 1; depth <= m_parameters.depth; ++depth) {
        const int layer = question.layer + depth;
        if (layer >= question.layers || static_cast<std::size_t>(depth) > question.predicted.size())
            break;
        if (left <= 0 || left < question.expertBytes)
            break;
        const auto predicted = question.predicted[static_cast<std::size_t>(depth - 1)];
        const GateChoice choice = expectedChoice(question, layer, predicted, scratch);
        for (int i = 0; i < choice.kept; ++i) {
            const int expert = choice.ids[static_cast<std::size_t>(i)];
            const trace::ExpertKey key = trace::expertKey(layer, expert);
            if (question.residency && question.residency->resident(key)) {
                if (m_parameters.spareForeseen)
                    plan.foreseen.push_back(key);
                continue;
            }
            if (left < question.expertBytes)
                return plan;
            left -= question.expertBytes;
            plan.wishes.push_back({key, depth, predicted[static_cast<std::size_t>(expert)]});
        }
    }
    return plan;
}

} // namespace moescope::policy
