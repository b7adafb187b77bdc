#pragma once
// A made-up Mixtral of a few thousand weights for tests of the calibration, in any number type.
#include "engine/calibrate/network.h"
#include "tests/support/tiny_model.h"

namespace moescope::tests {

inline std::vector<std::int32_t> tinyTokens(int count, std::uint32_t seed) {
    std::mt19937 random(seed);
    std::vector<std::int32_t> tokens{1};
    while (static_cast<int>(tokens.size()) < count)
        tokens.push_back(static_cast<std::int32_t>(random() % tinyVocabulary().size()));
    return tokens;
}

/// Model file, configuration, weights and network in one.
template <class Real>
struct TinyNetwork {
    explicit TinyNetwork(const TinyModelShape& shape = {}, bool renormalise = true, bool keepExperts = true)
        : bytes(tinyModel(shape).bytes()), file(bytes, "tiny.gguf"), config(configOf(file, renormalise)),
          weights(file, config, keepExperts), network(weights, shape.context) {}

    static model::ModelConfig configOf(const model::GgufFile& file, bool renormalise) {
        model::ModelConfig config = model::readModelConfig(file);
        config.renormaliseWeights = renormalise;
        return config;
    }

    std::vector<std::byte> bytes;
    model::GgufFile file;
    model::ModelConfig config;
    calibrate::Weights<Real> weights;
    calibrate::Network<Real> network;
};

} // namespace moescope::tests
