#pragma once
#include "engine/model/sampler_settings.h"

#include <random>
#include <span>
#include <vector>

namespace moescope::model {

/// Logits -> token. Order as people know it: repeat penalty, top-k, top-p, min-p, temperature. Deterministic for a seed: own
/// generator and own inverse-transform sampling, so that results do not depend on the standard library.
class Sampler {
public:
    explicit Sampler(const SamplerSettings& settings);
    struct Pick {
        std::int32_t token = 0;
        float logProbability = 0;    ///< under the plain softmax of the logits given
    };
    /// recent: the tokens of the context, newest last; the penalty looks at the last repeatLastN.
    Pick pick(std::span<const float> logits, std::span<const std::int32_t> recent);

private:
    SamplerSettings m_settings;
    std::mt19937_64 m_random;
    struct Candidate {
        std::int32_t token;
        float logit;
    };
    std::vector<Candidate> m_candidates;
};

} // namespace moescope::model
