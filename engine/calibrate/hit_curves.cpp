#include "engine/calibrate/hit_curves.h"

#include "engine/expert/expert_cache.h"

namespace moescope::calibrate {

void ChoiceTrace::add(int layer, const ExpertsTape<float>& tape) {
    Layer& own = m_layers[static_cast<std::size_t>(layer)];
    own.ids.insert(own.ids.end(), tape.ids.begin(), tape.ids.end());
    own.weights.insert(own.weights.end(), tape.weights.begin(), tape.weights.end());
}

HitCurves ChoiceTrace::curves(const std::string& policy) const {
    HitCurves curves{policy, {}};
    for (const Layer& layer : m_layers) {
        std::vector<double>& rates = curves.rates.emplace_back(1, 0.0);
        for (int slots = 1; slots <= m_experts; ++slots)
            rates.push_back(hitRate(layer, policy, slots));
    }
    return curves;
}

double ChoiceTrace::hitRate(const Layer& layer, const std::string& policy, int slots) const {
    expert::ExpertCache cache({.layers = 1, .experts = m_experts}, policy::makeCachePolicy(policy),
                              {.total = slots, .perLayer = {slots}});
    std::size_t hits = 0;
    std::size_t window = 0;
    for (std::size_t at = 0; at < layer.ids.size(); ++at) {
        if (window < m_windowStarts.size() && m_windowStarts[window] == at) {
            cache.beginSequence();
            ++window;
        }
        if (at % static_cast<std::size_t>(m_topK) == 0)
            cache.beginStep();
        const auto key = trace::expertKey(0, layer.ids[at]);
        cache.touch(key, layer.weights[at]);
        if (cache.resident(key))
            ++hits;
        else if (cache.admit(key, expert::AdmitFor::Demand))
            cache.loaded(key);
    }
    return layer.ids.empty() ? 0 : static_cast<double>(hits) / static_cast<double>(layer.ids.size());
}

} // namespace moescope::calibrate
