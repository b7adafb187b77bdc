#pragma once
#include "engine/calibrate/network.h"

#include <array>

namespace moescope::calibrate {

constexpr int kMaxGateDepth = 3;
constexpr int kWeightQuantiles = 101; ///< points, evenly from 0 to 1

/// How often the next layers' own gates, applied to this layer's gate input, find the experts that will be chosen.
struct GateRecall {
    double slots = 0; ///< found experts
    double asked = 0; ///< chosen experts
    double mass = 0;  ///< weight of the found experts, of 1 per token
    double tokens = 0;
    double slotRecall() const { return asked > 0 ? slots / asked : 0; }
    double massRecall() const { return tokens > 0 ? mass / tokens : 0; }
};

/// What one layer's router does with a text.
struct LayerRouting {
    std::vector<std::int64_t> usage;       ///< [N] tokens that chose the expert
    std::vector<double> outputNorm;        ///< [N] sum of |f_e(x)| over them; see meanOutputNorm
    std::vector<std::int64_t> transitions; ///< [from * N + to]: token chose `from`, the next one `to`
    std::vector<std::int64_t> followed;    ///< [N] tokens with a next token that chose the expert
    std::vector<float> secondWeights;      ///< [tokens] of the second expert
    std::int64_t tokens = 0;
    std::int64_t reused = 0; ///< chosen experts that the previous token chose too
    std::int64_t reuseAsked = 0;
    /// Towards this layer, from 1 to kMaxGateDepth layers before it; empty (asked 0) where there is no such layer.
    std::array<GateRecall, kMaxGateDepth> plainRecall;  ///< the earlier layer's gate input as it is
    std::array<GateRecall, kMaxGateDepth> normedRecall; ///< normalised with this layer's norm instead of the earlier one's

    double meanOutputNorm(int expert) const; ///< s_{l,e}; 0 for an expert that nobody chose
    double meanSecondWeight() const;         ///< 0 for top-1
    /// [kWeightQuantiles], rising: the q-th says which second weight a share q of the tokens does not exceed. Empty for top-1.
    std::vector<double> secondWeightQuantiles() const;
    double reuse() const { return reuseAsked > 0 ? static_cast<double>(reused) / static_cast<double>(reuseAsked) : 0; }
};

/// Counts routing window by window. Owned by a calibration; one thread.
class RoutingStatistics {
public:
    explicit RoutingStatistics(Weights<float>& weights);
    void add(const Tape<float>& tape);
    const std::vector<LayerRouting>& layers() const { return m_layers; }

private:
    void addLayer(const ExpertsTape<float>& tape, LayerRouting& own) const;
    void addRecall(const Tape<float>& tape, int from, int to);

    Weights<float>& m_weights;
    std::vector<LayerRouting> m_layers;
};

} // namespace moescope::calibrate
