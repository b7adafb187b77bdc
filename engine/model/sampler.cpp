#include "engine/model/sampler.h"

#include "engine/model/fast_exp.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace moescope::model {
namespace {

constexpr std::size_t kLanes = 16;
constexpr float kLowest = -std::numeric_limits<float>::infinity();

/// The largest logit, NaN left out; -infinity if there is none. Per-lane maxima let the compiler use SIMD.
float largest(std::span<const float> logits) {
    std::array<float, kLanes> best;
    best.fill(kLowest);
    std::size_t at = 0;
    for (; at + kLanes <= logits.size(); at += kLanes)
        for (std::size_t lane = 0; lane < kLanes; ++lane)
            best[lane] = logits[at + lane] > best[lane] ? logits[at + lane] : best[lane];
    for (; at < logits.size(); ++at)
        best[0] = logits[at] > best[0] ? logits[at] : best[0];
    return *std::max_element(best.begin(), best.end());
}

/// Lowest id that has this logit.
std::int32_t tokenOf(std::span<const float> logits, float logit) {
    const auto found = std::find(logits.begin(), logits.end(), logit);
    return found == logits.end() ? 0 : static_cast<std::int32_t>(found - logits.begin());
}

/// Sum of exp(logit - top). Sixteen running sums let the compiler use SIMD without reordering anything.
float sumOfExponentials(std::span<const float> logits, float top) {
    std::array<float, kLanes> sums{};
    std::size_t at = 0;
    for (; at + kLanes <= logits.size(); at += kLanes)
        for (std::size_t lane = 0; lane < kLanes; ++lane)
            sums[lane] += fastExp(logits[at + lane] - top);
    for (; at < logits.size(); ++at)
        sums[0] += fastExp(logits[at] - top);
    float total = 0;
    for (const float sum : sums)
        total += sum;
    return total;
}

/// Calls visit(token) for each token whose logit is greater than `above()`, in order of ids.
template <class Above, class Visit>
void forEachAbove(std::span<const float> logits, Above above, Visit visit) {
    for (std::size_t start = 0; start < logits.size(); start += kLanes) {
        const std::size_t end = std::min(start + kLanes, logits.size());
        const float limit = above();
        unsigned any = 0;
        for (std::size_t at = start; at < end; ++at)
            any |= static_cast<unsigned>(logits[at] > limit);
        for (std::size_t at = any ? start : end; at < end; ++at)
            if (logits[at] > above())
                visit(static_cast<std::int32_t>(at));
    }
}

constexpr auto kBetter = [](const auto& a, const auto& b) {
    return a.logit > b.logit || (a.logit == b.logit && a.token < b.token);
};

} // namespace

Sampler::Sampler(const SamplerSettings& settings) : m_settings(settings), m_random(settings.seed) {}

Sampler::Pick Sampler::pick(std::span<const float> logits, std::span<const std::int32_t> recent) {
    const float top = largest(logits);
    if (!std::isfinite(top))
        return {tokenOf(logits, top), top > 0 ? 0.0F : kLowest};
    const float logSum = std::log(sumOfExponentials(logits, top));
    const bool penalise = m_settings.repeatPenalty != 1.0F && m_settings.repeatPenalty > 0 && m_settings.repeatLastN != 0;
    const auto adjusted = penalise ? penalised(logits, recent) : logits;
    const float adjustedTop = penalise ? largest(adjusted) : top;
    const bool greedy = !(m_settings.temperature > 0) || !std::isfinite(adjustedTop);
    const std::int32_t token = greedy ? tokenOf(adjusted, adjustedTop) : draw(adjusted, adjustedTop);
    return {token, logits[static_cast<std::size_t>(token)] - top - logSum};
}

std::span<const float> Sampler::penalised(std::span<const float> logits, std::span<const std::int32_t> recent) {
    m_logits.assign(logits.begin(), logits.end());
    if (m_settings.repeatLastN > 0)
        recent = recent.last(std::min(recent.size(), static_cast<std::size_t>(m_settings.repeatLastN)));
    for (const std::int32_t token : recent) {
        const auto at = static_cast<std::size_t>(token);
        // From the given logit, not from the adjusted one: a token that occurs twice is penalised once.
        if (token >= 0 && at < logits.size())
            m_logits[at] = logits[at] > 0 ? logits[at] / m_settings.repeatPenalty : logits[at] * m_settings.repeatPenalty;
    }
    return m_logits;
}

std::int32_t Sampler::draw(std::span<const float> logits, float top) {
    // min-p keeps logits >= floor; what is left is a prefix of the sorted candidates, so it may be applied in any order, except
    // that top-p after top-k measures its mass over all k.
    const float floor = m_settings.minP > 0 ? top + std::log(std::min(m_settings.minP, 1.0F)) : kLowest;
    const float above = std::nextafter(floor, kLowest);
    const bool limited = m_settings.topK > 0 && static_cast<std::size_t>(m_settings.topK) < logits.size();
    if (limited) {
        const auto count = static_cast<std::size_t>(m_settings.topK);
        selectBest(logits, count, m_settings.topP < 1 ? kLowest : above);
        if (m_settings.topP < 1) {
            double mass = 0;
            for (const Candidate& candidate : m_candidates)
                mass += static_cast<double>(fastExp(candidate.logit - top));
            keepMass(top, mass);
        }
    } else if (m_settings.topP < 1) {
        selectMass(logits, top, above);
    } else {
        gather(logits, above);
    }
    m_weights.clear();
    double total = 0;
    for (const Candidate& candidate : m_candidates) {
        m_weights.push_back(candidate.logit > above ? fastExp((candidate.logit - top) / m_settings.temperature) : 0.0F);
        total += static_cast<double>(m_weights.back());
    }
    double rest = static_cast<double>(m_random() >> 11) * 0x1p-53 * total;
    std::size_t chosen = 0;
    for (std::size_t i = 0; i < m_weights.size() && rest >= 0; ++i) {
        rest -= static_cast<double>(m_weights[i]);
        chosen = m_weights[i] > 0 ? i : chosen;
    }
    return m_candidates[chosen].token;
}

void Sampler::gather(std::span<const float> logits, float above) {
    m_candidates.clear();
    forEachAbove(
        logits, [above] { return above; },
        [&](std::int32_t token) {
            m_candidates.push_back({token, logits[static_cast<std::size_t>(token)]});
        });
}

void Sampler::selectBest(std::span<const float> logits, std::size_t count, float above) {
    // Candidates collect until there are twice as many as wanted; then the worse half goes and the bar rises to the worst kept.
    m_candidates.clear();
    const std::size_t room = 2 * count + kLanes;
    const auto prune = [&] {
        if (m_candidates.size() <= count)
            return;
        std::nth_element(m_candidates.begin(), m_candidates.begin() + static_cast<std::ptrdiff_t>(count - 1),
                         m_candidates.end(), kBetter);
        m_candidates.resize(count);
        above = m_candidates.back().logit;
    };
    forEachAbove(
        logits, [&above] { return above; },
        [&](std::int32_t token) {
            m_candidates.push_back({token, logits[static_cast<std::size_t>(token)]});
            if (m_candidates.size() == room)
                prune();
        });
    prune();
    std::sort(m_candidates.begin(), m_candidates.end(), kBetter);
}

void Sampler::selectMass(std::span<const float> logits, float top, float above) {
    const auto total = static_cast<double>(sumOfExponentials(logits, top));
    for (std::size_t count = 64;; count *= 8) {
        selectBest(logits, std::min(count, logits.size()), above);
        double mass = 0;
        for (const Candidate& candidate : m_candidates)
            mass += static_cast<double>(fastExp(candidate.logit - top));
        if (m_candidates.size() < count || mass >= static_cast<double>(m_settings.topP) * total)
            break;
    }
    keepMass(top, total);
}

void Sampler::keepMass(float top, double mass) {
    const double wanted = static_cast<double>(m_settings.topP) * mass;
    double sum = 0;
    for (std::size_t i = 0; i < m_candidates.size(); ++i) {
        sum += static_cast<double>(fastExp(m_candidates[i].logit - top));
        if (sum >= wanted) {
            m_candidates.resize(i + 1);
            return;
        }
    }
}

} // namespace moescope::model
