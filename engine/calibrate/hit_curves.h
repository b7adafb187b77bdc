#pragma once
#include "engine/calibrate/experts.h"

#include <string>

namespace moescope::calibrate {

/// Hit rate of one eviction policy at every layer, for 0 to N slots that the layer has for itself.
struct HitCurves {
    std::string policy;
    std::vector<std::vector<double>> rates; ///< [layer][slots]
};

/// The choices of a text, in order, as the cache will be asked for them. Owned by a calibration; one thread.
class ChoiceTrace {
public:
    ChoiceTrace(int layers, int experts, int topK)
        : m_layers(static_cast<std::size_t>(layers)), m_experts(experts), m_topK(topK) {}
    /// One window, a sequence of its own: policies that forget between answers forget here.
    void beginWindow() { m_windowStarts.push_back(m_layers.front().ids.size()); }
    void add(int layer, const ExpertsTape<float>& tape);

    /// By the very ExpertCache and policy that the engine runs, demand fetching only.
    HitCurves curves(const std::string& policy) const;

private:
    struct Layer {
        std::vector<std::uint16_t> ids; ///< [tokens * k]
        std::vector<float> weights;
    };
    double hitRate(const Layer& layer, const std::string& policy, int slots) const;

    std::vector<Layer> m_layers;
    std::vector<std::size_t> m_windowStarts;
    int m_experts;
    int m_topK;
};

} // namespace moescope::calibrate
