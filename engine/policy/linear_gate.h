#pragma once
#include <span>
#include <vector>

namespace moescope::policy {

/// softmax(weights * x + bias): AdapMoE's extra gate for the first layer (arXiv 2408.10284, section 4.2), which has no layer
/// before it; x is what the output matrix read for the token before. Trained by calibration. Immutable; any thread.
struct LinearGate {
    int hidden = 0;
    int experts = 0;
    std::vector<float> weights; ///< [experts][hidden]
    std::vector<float> bias;    ///< [experts]

    /// input: [hidden]; probabilities: [experts].
    void predict(std::span<const float> input, std::span<float> probabilities) const;
};

} // namespace moescope::policy
