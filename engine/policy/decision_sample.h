#pragma once
#include "engine/policy/target_k.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace moescope::policy {

/// Router decisions of a few hundred tokens, as a calibration file keeps them: the chosen experts and their probabilities. A
/// gate looks at nothing else, so a threshold can be found on them. Immutable once filled; any thread.
struct DecisionSample {
    int layers = 0;
    int experts = 0; ///< per layer
    RouterRule rule;
    std::vector<std::uint16_t> ids;   ///< [tokens][layers][topK], best first
    std::vector<float> probabilities; ///< like ids, of the softmax over all experts; half precision is kept

    std::size_t tokens() const;
    /// What the sample left out of the softmax is spread evenly over the experts that were not chosen.
    DecisionTrace trace() const;
};

/// ids as u16, then probabilities as f16, little-endian, two hex digits a byte.
std::string encodeDecisions(const DecisionSample& sample);
/// Fills ids and probabilities; the other members say their shape. False if the text is not of that shape, names an expert
/// beyond the layer's, or holds probabilities that are no distribution's part.
bool decodeDecisions(std::string_view text, DecisionSample& sample);

} // namespace moescope::policy
