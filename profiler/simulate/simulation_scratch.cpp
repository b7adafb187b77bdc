#include "profiler/simulate/simulation_scratch.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace moescope::simulate {
namespace {

std::uint16_t u16At(trace::Payload payload, std::size_t index) {
    std::uint16_t value = 0;
    std::memcpy(&value, payload.data() + 2 * index, sizeof value);
    return value;
}

} // namespace

Simulation::Scratch::Scratch(std::size_t count)
    : experts(count), logits(count), probabilities(count), rowCounts(count), strength(count) {}

void Simulation::Scratch::beginLayer() {
    for (const auto& want : wants)
        rowCounts[static_cast<std::size_t>(want.expert)] = 0;
    wants.clear();
    std::fill_n(predicted.begin(), static_cast<std::size_t>(depthsUsed) * experts, 0.0F);
    depthsUsed = 0;
    rows = 0;
    topK = 1;
}

void Simulation::Scratch::readChoice(const trace::ExpertsChosen& event, trace::Payload recorded) {
    topK = std::max<int>(topK, event.candidates);
    for (std::size_t i = 0; i < event.candidates; ++i) {
        ids[i] = u16At(recorded, i);
        weights[i] = trace::fromHalf(u16At(recorded, event.candidates + i));
    }
}

void Simulation::Scratch::readLogits(const trace::ExpertsChosen& event, trace::Payload recorded) {
    constexpr float kSmallest = 1e-8F; // below half precision's smallest number: zero has no logarithm
    constexpr float kNudge = 1e-5F;    // times the top-k far below half precision's step
    for (std::size_t i = 0; i < event.experts; ++i)
        logits[i] = std::log(std::max(kSmallest, trace::fromHalf(u16At(recorded, 2 * std::size_t{event.candidates} + i))));
    for (std::size_t rank = 0; rank < event.candidates; ++rank)
        logits[ids[rank]] += kNudge * static_cast<float>(event.candidates - rank);
}

trace::Payload Simulation::Scratch::payloadOf(const trace::ExpertsChosen& event, const policy::GateChoice& choice,
                                              const trace::ExpertsChosen& was, trace::Payload recorded) {
    payload.resize(trace::routingPayloadBytes(event));
    const auto put = [this](std::size_t index, std::uint16_t value) {
        std::memcpy(payload.data() + 2 * index, &value, sizeof value);
    };
    const std::size_t count = event.candidates;
    for (std::size_t i = 0; i < count; ++i) {
        put(i, choice.ids[i]);
        put(count + i, trace::toHalf(choice.candidateWeights[i]));
    }
    const trace::Payload rest = recorded.subspan(4 * std::size_t{was.candidates});
    std::copy(rest.begin(), rest.end(), payload.begin() + static_cast<std::ptrdiff_t>(4 * count));
    return payload;
}

void Simulation::Scratch::addRow(std::span<const std::uint16_t> chosen, std::span<const float> chosenWeights, int kept) {
    for (std::size_t rank = 0; rank < static_cast<std::size_t>(kept); ++rank) {
        const std::size_t expert = chosen[rank];
        if (rowCounts[expert]++ == 0) {
            wants.push_back({static_cast<int>(expert), 0});
            strength[expert] = 0;
        }
        strength[expert] = std::max(strength[expert], chosenWeights[rank]);
        ++rows;
    }
}

void Simulation::Scratch::setStrengths() {
    for (auto& want : wants)
        want.weight = strength[static_cast<std::size_t>(want.expert)];
}

void Simulation::Scratch::foresee(const trace::ExpertsChosen& event, trace::Payload recorded) {
    const auto depths = static_cast<std::size_t>(trace::depthsOf(event));
    depthsUsed = std::max(depthsUsed, static_cast<int>(depths));
    if (predicted.size() < static_cast<std::size_t>(depthsUsed) * experts)
        predicted.resize(static_cast<std::size_t>(depthsUsed) * experts);
    const std::size_t from = 2 * std::size_t{event.candidates} + event.experts;
    for (std::size_t depth = 0; depth < depths; ++depth)
        for (std::size_t i = 0; i < event.experts; ++i) {
            float& most = predicted[depth * experts + i];
            most = std::max(most, trace::fromHalf(u16At(recorded, from + depth * event.experts + i)));
        }
}

std::span<const std::span<const float>> Simulation::Scratch::strongest(int depths) {
    depthSpans.clear();
    for (std::size_t depth = 0; depth < static_cast<std::size_t>(std::min(depths, depthsUsed)); ++depth)
        depthSpans.emplace_back(std::span<const float>(predicted).subspan(depth * experts, experts));
    return depthSpans;
}

bool Simulation::Scratch::readForeseen(const Recording& recording, const LayerWork& layer) {
    const Decision& decision = recording.decisions[layer.firstDecision];
    const trace::ExpertsChosen& event = decision.event;
    if (!trace::hasForeseen(event))
        return false;
    const trace::Payload recorded = recording.payloadOf(decision);
    const std::size_t row = 1 + static_cast<std::size_t>(trace::depthsOf(event));
    const std::size_t from = 2 * std::size_t{event.candidates} + row * event.experts;
    foreseen.resize(event.experts);
    for (std::size_t i = 0; i < event.experts; ++i)
        foreseen[i] = trace::fromHalf(u16At(recorded, from + i));
    return true;
}

} // namespace moescope::simulate
