#pragma once
#include "engine/model/gguf_file.h"
#include "engine/model/model_facts.h"

namespace moescope::model {

/// Numbers that fix the computation, from metadata. Architecture `llama` with experts (Mixtral).
struct ModelConfig {
    std::string architecture;
    int layers = 0;
    int hidden = 0;   ///< E
    int heads = 0;    ///< H
    int kvHeads = 0;  ///< K
    int headSize = 0; ///< D
    int experts = 0;  ///< N per layer
    int topK = 0;
    int expertWidth = 0; ///< F
    int vocabulary = 0;  ///< V
    int contextTokens = 0;
    float rmsEpsilon = 1e-5F;
    float ropeBase = 10000.0F;
    bool renormaliseWeights = true;
};

/// Checks architecture and ranges; throws std::runtime_error with one sentence naming file and key. A known but unsupported
/// architecture is refused by name.
ModelConfig readModelConfig(const GgufFile& file);
ModelFacts readModelFacts(const GgufFile& file, const ModelConfig& config);

} // namespace moescope::model
