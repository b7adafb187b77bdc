#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace moescope::policy {

/// What one gate at one threshold costs, measured on a text: the same model with the whole top-k is the reference.
struct GateCostPoint {
    std::string gate;
    double threshold = 0;
    double meanExperts = 0; ///< run per token and layer
    double singleShare = 0; ///< of the decisions that ran one expert, 0..1
    double meanKl = 0;      ///< nats per token, KL(whole top-k || gated)
    double perplexityRatio = 1;
};

/// What a number format costs: this model in that format against its f16 file, with the whole top-k.
struct QuantisationLoss {
    std::string type;  ///< "Q8_0", "Q4_0"
    double meanKl = 0; ///< nats per token
    double perplexityRatio = 1;
};

/// The price list of a model's gates, and the scale that people know to read it by.
struct GateCosts {
    std::vector<GateCostPoint> points; ///< by gate, in order of measurement
    std::vector<QuantisationLoss> quantisation;
    std::string text; ///< what it was measured on
    std::int64_t tokens = 0;
};

/// A KL in words on the scale of quantisation losses: "between Q8_0 and Q4_0, 0.4 x of Q4_0's loss", "below Q8_0, 0.5 x of
/// Q8_0's loss", "above Q4_0, 2.1 x of Q4_0's loss", "no loss" for 0. Empty when the scale has no mark above 0.
std::string lossInWords(double meanKl, const std::vector<QuantisationLoss>& scale);

} // namespace moescope::policy
