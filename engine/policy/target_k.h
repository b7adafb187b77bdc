#pragma once
#include "engine/policy/gate_policy.h"

#include <functional>

namespace moescope::policy {

/// Router decisions to try gates on: what a calibration run or a recorded session saw, in order. Owned by whoever searches.
class DecisionTrace {
public:
    /// experts per layer, at least 1; throws std::invalid_argument with one sentence otherwise.
    DecisionTrace(int experts, RouterRule rule);

    /// probabilities: [experts], the router's softmax for one token at one layer; throws std::invalid_argument if it has
    /// another length.
    void add(int layer, trace::TokenIndex token, std::span<const float> probabilities);

    std::size_t size() const { return m_places.size(); }
    /// What a gate makes of it: experts kept and decisions that kept one. Residency is not known, so that adapmoe-residency
    /// drops nothing.
    struct Kept {
        double meanExperts = 0; ///< per token and layer; 0 for an empty trace
        double singleShare = 0; ///< 0..1
    };
    Kept keptBy(const GatePolicy& gate) const;

private:
    struct Place {
        int layer = 0;
        trace::TokenIndex token;
    };
    std::size_t m_experts;
    RouterRule m_rule;
    std::vector<Place> m_places;
    std::vector<float> m_logits; ///< [size][experts]
};

struct TargetThreshold {
    double threshold = 0;
    double meanExperts = 0; ///< at that threshold
    double singleShare = 0; ///< at that threshold, 0..1; only thresholdForMeanK fills it
    bool reached = true;    ///< false: even the largest threshold keeps more than asked for
};

/// The smallest threshold (to a relative 1e-12) at which meanExperts(threshold), falling or level, is at most `target`; by
/// bisection between 0 and `most`. meanExperts is asked about 90 times at most.
TargetThreshold findThreshold(const std::function<double(double)>& meanExperts, double target, double most = 1e6);

/// True if the gate's threshold was found for another one, because a trace cannot answer for it.
bool foundForAnotherGate(std::string_view gate);

/// The threshold at which the named gate keeps `target` experts per token and layer on the trace; parameters.threshold is not
/// looked at, nor is parameters.phases. Thresholds do not travel between models, this does. A trace does not know what is
/// resident: adapmoe-residency gets the threshold of adapmoe-pair, whose budget it spends on fewer experts. Throws
/// std::invalid_argument with one sentence.
TargetThreshold thresholdForMeanK(std::string_view gate, GateParameters parameters, const DecisionTrace& trace, double target);

} // namespace moescope::policy
