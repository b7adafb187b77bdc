#include "app/routing_collector.h"

#include "engine/trace/routing_payload.h"

#include <algorithm>
#include <numeric>

namespace moescope::app {

namespace {

/// The `count` most probable experts; of equals the lower number.
std::vector<std::uint16_t> best(const std::vector<float>& probabilities, std::size_t count) {
    std::vector<std::uint16_t> ids(probabilities.size());
    std::iota(ids.begin(), ids.end(), std::uint16_t{0});
    std::stable_sort(ids.begin(), ids.end(), [&](auto a, auto b) { return probabilities[a] > probabilities[b]; });
    ids.resize(std::min(count, ids.size()));
    return ids;
}

} // namespace

void RoutingCollector::emit(const trace::Event& event, trace::Payload payload) noexcept {
    if (const auto* chosen = std::get_if<trace::ExpertsChosen>(&event))
        add(*chosen, payload);
}

void RoutingCollector::add(const trace::ExpertsChosen& chosen, trace::Payload payload) {
    const auto routing = trace::decodeRouting(chosen, payload);
    if (!routing)
        return;
    if (!m_decisions) {
        const float sum = std::accumulate(routing->weights.begin(), routing->weights.end(), 0.0F);
        constexpr float kDivided = 0.99F; // else the model uses the weights as they are
        m_decisions.emplace(chosen.experts, policy::RouterRule{.topK = chosen.candidates, .renormalise = sum > kDivided});
    }
    m_decisions->add(chosen.layer.value, chosen.token, routing->gate);
    const auto pending = m_pending.find({chosen.layer.value, chosen.token.value});
    if (pending != m_pending.end()) {
        for (const auto& [depth, guess] : pending->second)
            compare(depth, guess, chosen.layer.value, *routing);
        m_pending.erase(pending);
    }
    for (int depth = 1; depth <= chosen.predictedDepths; ++depth)
        m_pending[{chosen.layer.value + depth, chosen.token.value}].emplace_back(
            depth, best(routing->predicted[static_cast<std::size_t>(depth - 1)], chosen.candidates));
}

void RoutingCollector::compare(int depth, const std::vector<std::uint16_t>& guess, int layer,
                               const trace::RoutingPayload& routing) {
    if (m_guesses.size() < static_cast<std::size_t>(depth))
        m_guesses.resize(static_cast<std::size_t>(depth));
    auto& layers = m_guesses[static_cast<std::size_t>(depth - 1)];
    if (layers.size() <= static_cast<std::size_t>(layer))
        layers.resize(static_cast<std::size_t>(layer) + 1);
    GuessCount& count = layers[static_cast<std::size_t>(layer)];
    double all = 0;
    double found = 0;
    for (std::size_t rank = 0; rank < routing.ids.size(); ++rank) {
        const auto weight = static_cast<double>(routing.weights[rank]);
        all += weight;
        if (std::find(guess.begin(), guess.end(), routing.ids[rank]) == guess.end())
            continue;
        ++count.found;
        found += weight;
    }
    count.asked += static_cast<std::int64_t>(routing.ids.size());
    count.foundMass += all > 0 ? found / all : 0;
    ++count.decisions;
}

} // namespace moescope::app
