#pragma once
#include "engine/calibrate/network.h"
#include "engine/policy/decision_sample.h"

namespace moescope::calibrate {

/// Keeps the router decisions of tokens evenly spread over a text, about kMostDecisions of them. Owned by a calibration; one
/// thread.
class DecisionSampler {
public:
    static constexpr std::int64_t kMostDecisions = 4096;

    /// tokens: of the whole text, so that the sample can be spread over it.
    DecisionSampler(const model::ModelConfig& config, std::int64_t tokens);
    void add(const Tape<float>& tape);
    const policy::DecisionSample& sample() const { return m_sample; }

private:
    std::int64_t m_stride;
    std::int64_t m_seen = 0;
    policy::DecisionSample m_sample;
};

} // namespace moescope::calibrate
