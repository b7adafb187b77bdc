#pragma once
#include "engine/model/gguf_file.h"
#include "engine/model/model_config.h"

#include <vector>

namespace moescope::model {

/// The tensors that every token reads, in the names of GGUF: what a backend packs at load beside the experts. Views into the
/// file, which must outlive them.
struct DenseTensors {
    struct Layer {
        const TensorView* attentionNorm; ///< [hidden]
        const TensorView* expertNorm;    ///< [hidden]
        const TensorView* query;         ///< [hidden, heads x headSize]
        const TensorView* key;           ///< [hidden, kvHeads x headSize]
        const TensorView* value;         ///< [hidden, kvHeads x headSize]
        const TensorView* output;        ///< [heads x headSize, hidden]
        const TensorView* router;        ///< [hidden, experts]
    };
    std::vector<Layer> layers;
    const TensorView* finalNorm; ///< [hidden]
    const TensorView* head;      ///< [hidden, vocabulary]; the embedding where the file has no head of its own
};

/// Throws std::runtime_error with one sentence naming file, tensor and reason where one is missing or has another shape.
DenseTensors denseTensors(const GgufFile& file, const ModelConfig& config);

} // namespace moescope::model
