#include "engine/policy/gate_policy.h"

#include "engine/policy/gate_choice.h"
#include "engine/policy/gate_exp.h"

#include <algorithm>

namespace moescope::policy {

float GateChoice::droppedShare() const {
    float all = 0;
    float dropped = 0;
    for (int i = 0; i < candidates; ++i) {
        const float weight = candidateWeights[static_cast<std::size_t>(i)];
        all += weight;
        if (i >= kept)
            dropped += weight;
    }
    return all > 0 ? dropped / all : 0;
}

void softmax(std::span<const float> logits, std::span<float> out) {
    if (logits.empty())
        return;
    const float highest = *std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (std::size_t i = 0; i < logits.size(); ++i) {
        out[i] = gateExp(logits[i] - highest);
        sum += out[i];
    }
    const float scale = static_cast<float>(1.0 / sum);
    for (std::size_t i = 0; i < logits.size(); ++i)
        out[i] *= scale;
}

void keepFirst(GateChoice& choice, int kept, RouterRule rule) {
    choice.kept = kept;
    const auto count = static_cast<std::size_t>(kept);
    float sum = 0;
    for (std::size_t i = 0; i < count; ++i)
        sum += choice.candidateWeights[i];
    const bool divide = rule.renormalise && sum > 0 && kept < choice.candidates;
    for (std::size_t i = 0; i < count; ++i)
        choice.weights[i] = divide ? choice.candidateWeights[i] / sum : choice.candidateWeights[i];
}

void keepMarked(GateChoice& choice, std::uint32_t ranks, RouterRule rule) {
    const GateChoice before = choice;
    int kept = 0;
    std::size_t to = 0;
    for (const bool wanted : {true, false}) {
        for (int rank = 0; rank < before.candidates; ++rank) {
            const auto from = static_cast<std::size_t>(rank);
            if (((ranks >> from & 1U) != 0) != wanted)
                continue;
            choice.ids[to] = before.ids[from];
            choice.candidateWeights[to++] = before.candidateWeights[from];
        }
        if (wanted)
            kept = static_cast<int>(to);
    }
    keepFirst(choice, kept, rule);
}

GateChoice topKChoice(std::span<const float> logits, RouterRule rule, std::span<float> probabilities) {
    softmax(logits, probabilities);
    const int wanted = std::clamp(rule.topK, 0, std::min(trace::kMaxTopK, static_cast<int>(logits.size())));
    GateChoice choice;
    auto& best = choice.candidateWeights;
    // Insertion into a short sorted list: strictly greater moves up, so that equal weights keep the order of their ids.
    for (std::size_t expert = 0; expert < logits.size(); ++expert) {
        const float weight = probabilities[expert];
        int place = choice.candidates;
        while (place > 0 && weight > best[static_cast<std::size_t>(place - 1)])
            --place;
        if (place >= wanted)
            continue;
        choice.candidates = std::min(choice.candidates + 1, wanted);
        for (int i = choice.candidates - 1; i > place; --i) {
            const auto to = static_cast<std::size_t>(i);
            best[to] = best[to - 1];
            choice.ids[to] = choice.ids[to - 1];
        }
        best[static_cast<std::size_t>(place)] = weight;
        choice.ids[static_cast<std::size_t>(place)] = static_cast<std::uint16_t>(expert);
    }
    if (rule.renormalise) {
        float sum = 0;
        for (int i = 0; i < choice.candidates; ++i)
            sum += best[static_cast<std::size_t>(i)];
        for (int i = 0; i < choice.candidates && sum > 0; ++i)
            best[static_cast<std::size_t>(i)] /= sum;
    }
    keepFirst(choice, choice.candidates, rule);
    return choice;
}

} // namespace moescope::policy
