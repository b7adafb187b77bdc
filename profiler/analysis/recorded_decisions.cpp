#include "profiler/analysis/recorded_decisions.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <stdexcept>

namespace moescope::analysis {
namespace {

/// Calls back with (token, layer, choice) for every decision of the range, from the last token to the first, until it says no.
template <class Visit>
void backwards(const Snapshot& s, TokenRange range, Visit&& visit) {
    const auto layers = static_cast<std::size_t>(s.layers);
    for (int token = range.end - 1; token >= range.begin; --token)
        for (std::size_t layer = 0; layer < layers; ++layer)
            if (const ChoiceRecord& choice = s.choices[static_cast<std::size_t>(token) * layers + layer];
                choice.candidates > 0 && !visit(token, layer, choice))
                return;
}

bool hasDecode(const Snapshot& s, TokenRange range) {
    bool found = false;
    backwards(s, range, [&](int, std::size_t, const ChoiceRecord& choice) {
        found = choice.phase == trace::Phase::Decode;
        return !found;
    });
    return found;
}

float weightSum(const ChoiceRecord& choice) {
    float sum = 0;
    for (std::size_t i = 0; i < choice.candidates; ++i)
        sum += trace::fromHalf(choice.weights[i]);
    return sum;
}

/// Sessions do not say whether the model renormalises; weights that always add up to 1 do.
bool renormalises(const Snapshot& s, TokenRange range) {
    bool all = true;
    int seen = 0;
    backwards(s, range, [&](int, std::size_t, const ChoiceRecord& choice) {
        all = all && weightSum(choice) > 0.99F;
        return all && ++seen < 1024;
    });
    return all;
}

/// The part of the range that has records.
TokenRange known(const Snapshot& s, TokenRange range) {
    const int tokens = s.layers > 0 ? static_cast<int>(s.choices.size() / static_cast<std::size_t>(s.layers)) : 0;
    const int end = std::min(tokens, range.end);
    return {std::clamp(range.begin, 0, std::max(0, end)), std::max(0, end)};
}

void spread(const ChoiceRecord& choice, std::span<float> probabilities) {
    const float rest = 1 - weightSum(choice);
    const auto others =
        static_cast<float>(probabilities.size() - std::min<std::size_t>(choice.candidates, probabilities.size()));
    // What float16 lost is no probability: a remainder that small would be spread over experts that had none.
    std::fill(probabilities.begin(), probabilities.end(), rest > 0.004F && others > 0 ? rest / others : 0.0F);
    for (std::size_t i = 0; i < choice.candidates; ++i)
        if (choice.ids[i] < probabilities.size())
            probabilities[choice.ids[i]] = trace::fromHalf(choice.weights[i]);
}

} // namespace

std::shared_ptr<const policy::Sensitivities> readCalibration(const session::SessionInfo& info) {
    if (!info.calibration.empty()) {
        try {
            return std::make_shared<policy::Sensitivities>(policy::parseSensitivities(info.calibration, "of the session"));
        } catch (const std::exception&) {
            // What older files hold is better than nothing.
        }
    }
    if (info.sensitivity.empty())
        return nullptr;
    auto made = std::make_shared<policy::Sensitivities>();
    made->refined = info.sensitivity;
    return made;
}

policy::GateParameters gateParameters(const policy::Sensitivities* known,
                                      const std::vector<std::pair<std::string, std::string>>& settings) {
    policy::GateParameters parameters;
    if (known != nullptr) {
        parameters.sensitivity = known->refined;
        parameters.paperSensitivity = known->paper;
        parameters.pairs = known->pairs;
        parameters.expertNorm = known->expertNorm;
    }
    for (const auto& [name, value] : settings) {
        try {
            if (name == "gate-threshold")
                std::from_chars(value.data(), value.data() + value.size(), parameters.threshold);
            else if (name == "gate-layers")
                parameters.overrides = policy::parseLayerOverrides(value);
            else if (name == "gate-phase")
                parameters.phases = policy::gatePhasesFrom(value);
        } catch (const std::invalid_argument&) {
            continue;
        }
    }
    return parameters;
}

policy::DecisionTrace recordedDecisions(const Snapshot& snapshot, TokenRange range, std::size_t numbers) {
    const TokenRange within = known(snapshot, range);
    const auto experts = static_cast<std::size_t>(std::max(1, snapshot.experts));
    const int topK = snapshot.info ? std::max(1, snapshot.info->model.topK) : 2;
    policy::DecisionTrace trace(static_cast<int>(experts), {topK, renormalises(snapshot, within)});
    if (within.size() == 0)
        return trace;
    const auto phase = hasDecode(snapshot, within) ? trace::Phase::Decode : trace::Phase::Prefill;
    const auto layers = static_cast<std::size_t>(snapshot.layers);
    const auto most = static_cast<int>(std::clamp<std::size_t>(numbers / (layers * experts), 1, 1U << 20U));
    std::vector<float> probabilities(experts);
    for (int token = std::max(within.begin, within.end - most); token < within.end; ++token)
        for (std::size_t layer = 0; layer < layers; ++layer) {
            const ChoiceRecord& choice = snapshot.choices[static_cast<std::size_t>(token) * layers + layer];
            if (choice.candidates == 0 || choice.phase != phase)
                continue;
            spread(choice, probabilities);
            trace.add(static_cast<int>(layer), trace::TokenIndex(token), probabilities);
        }
    return trace;
}

policy::DecisionTrace recordedDecisions(const Snapshot& snapshot) {
    return recordedDecisions(snapshot, {0, std::numeric_limits<std::int32_t>::max()});
}

std::vector<double> medianRatios(const Snapshot& snapshot, TokenRange range) {
    std::vector<std::vector<float>> ratios(static_cast<std::size_t>(std::max(0, snapshot.layers)));
    backwards(snapshot, known(snapshot, range), [&](int, std::size_t layer, const ChoiceRecord& choice) {
        if (choice.candidates < 2 || choice.phase != trace::Phase::Decode)
            return true;
        // Kept ones come first, so that the larger weight may stand second.
        const auto [less, more] = std::minmax({trace::fromHalf(choice.weights[0]), trace::fromHalf(choice.weights[1])});
        if (more > 0)
            ratios[layer].push_back(less / more);
        return true;
    });
    std::vector<double> medians(ratios.size(), 0);
    for (std::size_t layer = 0; layer < ratios.size(); ++layer) {
        std::vector<float>& list = ratios[layer];
        if (list.empty())
            continue;
        const auto middle = list.begin() + static_cast<std::ptrdiff_t>(list.size() / 2);
        std::nth_element(list.begin(), middle, list.end());
        medians[layer] = static_cast<double>(*middle);
    }
    return medians;
}

} // namespace moescope::analysis
