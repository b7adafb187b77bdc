#pragma once
#include "engine/policy/gate_policy.h"

#include <cmath>
#include <initializer_list>
#include <numeric>
#include <random>
#include <set>

namespace moescope::policy {

/// Logits whose softmax has these weights, if they sum to 1.
inline std::vector<float> logitsOfWeights(std::initializer_list<double> weights) {
    std::vector<float> logits;
    for (const double weight : weights)
        logits.push_back(static_cast<float>(std::log(weight)));
    return logits;
}

inline GateChoice chooseWith(const GatePolicy& policy, GateQuestion question) {
    std::vector<float> p(question.logits.size());
    return policy.choose(question, p);
}

inline std::vector<float> randomLogits(std::mt19937& random, std::size_t experts, float spread = 1.5F) {
    std::normal_distribution<float> normal(0, spread);
    std::vector<float> logits(experts);
    for (float& x : logits)
        x = normal(random);
    return logits;
}

inline std::shared_ptr<const PairTable> randomPairs(std::mt19937& random, int layers, int experts) {
    std::uniform_real_distribution<float> uniform(0.1F, 2);
    auto table = std::make_shared<PairTable>(layers, experts);
    for (int layer = 0; layer < layers; ++layer)
        for (int first = 0; first < experts; ++first)
            for (int second = 0; second < experts; ++second)
                table->at(layer, first, second) = uniform(random);
    return table;
}

/// Answers from a set of keys.
class ResidentSet final : public Residency {
public:
    ResidentSet(std::initializer_list<trace::ExpertKey> keys = {}) : m_keys(keys) {}
    bool resident(trace::ExpertKey key) const override { return m_keys.contains(key); }
    void add(trace::ExpertKey key) { m_keys.insert(key); }

private:
    std::set<trace::ExpertKey> m_keys;
};

/// What any gate may need, for a model of this shape.
inline GateParameters parametersFor(int layers, int experts, double threshold = 0) {
    std::mt19937 random(77);
    GateParameters parameters{.threshold = threshold, .sensitivity = {}};
    for (int layer = 0; layer < layers; ++layer) {
        parameters.sensitivity.push_back(0.5 + 0.25 * layer);
        parameters.paperSensitivity.push_back(3 - 0.25 * layer);
    }
    parameters.pairs = randomPairs(random, layers, experts);
    return parameters;
}

} // namespace moescope::policy
