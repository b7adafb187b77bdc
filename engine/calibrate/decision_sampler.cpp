#include "engine/calibrate/decision_sampler.h"

namespace moescope::calibrate {

DecisionSampler::DecisionSampler(const model::ModelConfig& config, std::int64_t tokens)
    : m_stride(std::max<std::int64_t>(1, (tokens * config.layers + kMostDecisions - 1) / kMostDecisions)) {
    m_sample.layers = config.layers;
    m_sample.experts = config.experts;
    m_sample.rule = {.topK = config.topK, .renormalise = config.renormaliseWeights};
}

void DecisionSampler::add(const Tape<float>& tape) {
    for (int token = 0; token < tape.normed.count(); ++token, ++m_seen) {
        if (m_seen % m_stride != 0)
            continue;
        for (const auto& layer : tape.layers)
            for (int rank = 0; rank < layer.experts.topK; ++rank) {
                const int expert = layer.experts.expert(token, rank);
                m_sample.ids.push_back(static_cast<std::uint16_t>(expert));
                m_sample.probabilities.push_back(layer.experts.probabilities.at(token)[static_cast<std::size_t>(expert)]);
            }
    }
}

} // namespace moescope::calibrate
