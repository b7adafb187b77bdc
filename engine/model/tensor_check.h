#pragma once
#include "engine/model/model_config.h"

namespace moescope::model {

/// Checks that the file holds exactly the tensors that a Mixtral of this configuration needs, each with its shape, so that
/// nothing is computed with a part left out. Throws std::runtime_error with one sentence naming file, tensor and reason.
void checkTensors(const GgufFile& file, const ModelConfig& config);

} // namespace moescope::model
