#pragma once
#include "engine/model/sampler_settings.h"

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

namespace moescope::model {

/// Logits -> token. Order as people know it: repeat penalty, top-k, top-p, min-p, temperature. Deterministic for a seed: own
/// generator and own inverse-transform sampling, so that results do not depend on the standard library. Owned by the generator;
/// engine thread only. Logits that are NaN are never picked.
class Sampler {
public:
    explicit Sampler(const SamplerSettings& settings);
    struct Pick {
        std::int32_t token = 0;
        float logProbability = 0; ///< under the plain softmax of the logits given
    };
    /// recent: the tokens of the context, newest last; the penalty looks at the last repeatLastN.
    Pick pick(std::span<const float> logits, std::span<const std::int32_t> recent);

private:
    struct Candidate {
        std::int32_t token;
        float logit;
    };
    std::span<const float> penalised(std::span<const float> logits, std::span<const std::int32_t> recent);
    std::int32_t draw(std::span<const float> logits, float top);
    void gather(std::span<const float> logits, float above);
    void selectBest(std::span<const float> logits, std::size_t count, float above);
    void selectMass(std::span<const float> logits, float top, float above);
    void keepMass(float top, double mass);

    SamplerSettings m_settings;
    std::mt19937_64 m_random;
    std::vector<Candidate> m_candidates;
    std::vector<float> m_logits;  ///< scratch: logits after the repeat penalty
    std::vector<float> m_weights; ///< scratch: of the candidates
};

} // namespace moescope::model
