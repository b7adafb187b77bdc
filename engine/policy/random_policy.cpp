#include "engine/policy/random_policy.h"

#include "engine/policy/gate_choice.h"

namespace moescope::policy {

namespace {

/// SplitMix64 (Steele, Lea, Flood 2014), one step: every bit of the result depends on every bit of x.
constexpr std::uint64_t mixed(std::uint64_t x) {
    x += 0x9E3779B97F4A7C15U;
    x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9U;
    x = (x ^ (x >> 27U)) * 0x94D049BB133111EBU;
    return x ^ (x >> 31U);
}

constexpr std::uint64_t bits(int value) {
    return static_cast<std::uint64_t>(static_cast<std::uint32_t>(value));
}

/// Uniform in [0, 1).
double dice(std::uint64_t seed, const GateQuestion& question, int rank) {
    const std::uint64_t place = bits(question.layer) << 32U | bits(rank);
    return static_cast<double>(mixed(mixed(mixed(seed) ^ bits(question.token.value)) ^ place) >> 11U) * 0x1p-53;
}

} // namespace

GateChoice RandomPolicy::choose(const GateQuestion& question, std::span<float> probabilities) const {
    GateChoice choice = topKChoice(question.logits, question.rule, probabilities);
    const double rate = m_thresholds.at(question.layer);
    std::uint32_t ranks = 1;
    for (int rank = 1; rank < choice.candidates; ++rank)
        if (!(dice(m_seed, question, rank) < rate))
            ranks |= 1U << static_cast<unsigned>(rank);
    if (rate > 0 && choice.candidates > 0)
        keepMarked(choice, ranks, question.rule);
    return choice;
}

} // namespace moescope::policy
