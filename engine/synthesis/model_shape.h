#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace moescope::synthesis {

/// How a published model chooses experts: what a synthetic one of its shape shall imitate. Shares of the chosen experts, one
/// value per layer, or fewer, which then stand for equal parts of the depth.
struct RoutingTarget {
    std::vector<double> recall; ///< of layer l, by applying its gate one layer earlier; layer 0 has none
    std::vector<double> reuse;  ///< experts that the token before chose too
};

/// The numbers that fix a model's shape, from its published config.json, and the routing that was measured on it.
struct ModelShape {
    std::string name;         ///< "mixtral-8x7b"
    std::string title;        ///< "Mixtral-8x7B"
    std::string architecture; ///< llama, olmoe, qwen3moe
    int layers = 0;
    int hidden = 0;
    int heads = 0;
    int kvHeads = 0;
    int headSize = 0;
    int experts = 0;
    int topK = 0;
    int expertWidth = 0;
    int vocabulary = 0;
    int contextTokens = 0;
    double rmsEpsilon = 1e-5;
    double ropeBase = 10000;
    bool renormalises = true; ///< divides the chosen experts' weights by their sum
    RoutingTarget routing;
};

/// In the order in which help lists them.
const std::vector<ModelShape>& knownShapes();
/// Throws std::invalid_argument with one sentence that lists the names.
const ModelShape& shapeNamed(std::string_view name);

} // namespace moescope::synthesis
