#include "ui/gate_presets.h"

#include "profiler/analysis/recorded_decisions.h"
#include "ui/gate_rule.h"
#include "ui/words.h"

#include <QCoreApplication>
#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numeric>
#include <stdexcept>

using namespace Qt::StringLiterals;

namespace moescope::ui {

namespace {

/// Share of the layers that MC-MoE's code prunes, its default for Mixtral (20 of 32); the least sensitive ones.
constexpr double kMcMoeLayers = 20.0 / 32;
constexpr double kPaperCut = 0.125; // a quarter of the decisions with one of two experts
constexpr double kQuarter = 0.25;

/// The gate that a share is reached with: the present one if it has a threshold that can be found, else the best that the
/// session knows enough for.
QString gateForShare(const PresetQuestion& question) {
    const GateRule present(question.gate, question.known.get(), question.topK);
    if (present.hasThreshold() && present.missing().isEmpty())
        return question.gate;
    for (const QString& gate : {u"adapmoe-pair"_s, u"adapmoe"_s, u"adapmoe-paper"_s})
        if (GateRule(gate, question.known.get(), question.topK).missing().isEmpty())
            return gate;
    return u"score"_s;
}

QString text(double threshold) {
    // A little more, so that what the digits leave out does not fall short of the share.
    return QString::fromStdString(fmt::format("{:.6g}", threshold * (1 + 3e-6)));
}

policy::GateParameters parametersOf(const PresetQuestion& question) {
    return analysis::gateParameters(question.known.get(), {});
}

PresetAnswer byShare(const PresetQuestion& question, double cut) {
    const QString gate = gateForShare(question);
    const double target = std::max(1.0, question.topK * (1 - cut));
    double threshold = 0;
    if (question.decisions && question.decisions->size() > 0) {
        const std::string searched = gate == u"adapmoe-residency"_s ? "adapmoe-pair" : gate.toStdString();
        const auto found = policy::thresholdForMeanK(searched, parametersOf(question), *question.decisions, target);
        if (!found.reached)
            return {{}, words("%1 cannot bring the mean down to %2 experts here").arg(gate).arg(target), {}};
        threshold = found.threshold;
    } else if (const auto point =
                   question.known ? costAtMean(question.known->costs, gate, target, question.topK) : std::nullopt) {
        threshold = point->threshold;
    } else {
        return {{}, words("needs some decoded tokens, or a calibration with measured costs, to find the threshold"), {}};
    }
    return {{{u"gate"_s, gate}, {u"gate-threshold"_s, text(threshold)}, {u"gate-layers"_s, u"none"_s}}, {}, {}};
}

/// NAEE's and MC-MoE's rule: a ratio per layer, 0 in layers that are left alone.
PresetAnswer byRatios(const PresetQuestion& question, const std::vector<bool>& pruned) {
    policy::LayerOverrides overrides;
    std::vector<double> used;
    for (std::size_t layer = 0; layer < question.medianRatios.size(); ++layer) {
        const double beta = pruned[layer] ? std::round(question.medianRatios[layer] * 1000) / 1000 : 0;
        overrides[static_cast<int>(layer)] = beta;
        if (pruned[layer])
            used.push_back(beta);
    }
    if (used.empty() || *std::max_element(used.begin(), used.end()) <= 0)
        return {{}, words("needs some decoded tokens, to find the layers' median weight ratios"), {}};
    const double mean = std::accumulate(used.begin(), used.end(), 0.0) / static_cast<double>(used.size());
    return {{{u"gate"_s, u"ratio"_s},
             {u"gate-threshold"_s, QString::number(mean, 'f', 3)},
             {u"gate-layers"_s, QString::fromStdString(policy::formatLayerOverrides(overrides))}},
            {},
            {}};
}

std::vector<bool> leastSensitive(const std::vector<double>& sensitivity, std::size_t layers) {
    std::vector<std::size_t> order(layers);
    std::iota(order.begin(), order.end(), std::size_t{0});
    // Without sensitivities the later layers, which the paper found to react least.
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return sensitivity.size() == layers ? sensitivity[a] < sensitivity[b] : a > b;
    });
    std::vector<bool> chosen(layers, false);
    const auto count = static_cast<std::size_t>(std::lround(kMcMoeLayers * static_cast<double>(layers)));
    for (std::size_t i = 0; i < std::min(count, layers); ++i)
        chosen[order[i]] = true;
    return chosen;
}

PresetAnswer unpriced(GatePreset preset, const PresetQuestion& question) {
    const std::size_t layers = question.medianRatios.size();
    switch (preset) {
    case GatePreset::Off:
        return {{{u"gate"_s, u"topk"_s}}, {}, {}};
    case GatePreset::PaperShare:
        return byShare(question, kPaperCut);
    case GatePreset::QuarterFewer:
        return byShare(question, kQuarter);
    case GatePreset::Naee:
        return byRatios(question, std::vector<bool>(layers, true));
    case GatePreset::McMoe:
        return byRatios(question, leastSensitive(question.known ? question.known->refined : std::vector<double>{}, layers));
    case GatePreset::Hobbit:
        break;
    }
    return {};
}

} // namespace

QString presetName(GatePreset preset) {
    switch (preset) {
    case GatePreset::Off:
        return words("Off: every chosen expert");
    case GatePreset::PaperShare:
        return words("The paper's 25 % single-expert share");
    case GatePreset::QuarterFewer:
        return words("25 % fewer executions");
    case GatePreset::Naee:
        return words("NAEE: median ratio per layer");
    case GatePreset::McMoe:
        return words("MC-MoE: median ratio, least sensitive layers");
    case GatePreset::Hobbit:
        return words("Show HOBBIT's bands (guidance)");
    }
    return {};
}

QString presetTip(GatePreset preset) {
    switch (preset) {
    case GatePreset::Off:
        return words("topk: the model as it was trained");
    case GatePreset::PaperShare:
        return words(
            "AdapMoE (arXiv 2408.10284) runs one expert in a quarter of the decisions: 12.5 % fewer executions, not 25 %. "
            "The threshold is found on this session's own decisions");
    case GatePreset::QuarterFewer:
        return words(
            "A mean of 1.5 experts where the model wants 2: half of the decisions run one. The threshold is found on this "
            "session's own decisions");
    case GatePreset::Naee:
        return words(
            "arXiv 2402.14800: the second expert is dropped below the layer's median ratio of the two weights, about half "
            "the time; the medians are this session's");
    case GatePreset::McMoe:
        return words(
            "arXiv 2410.06270, online pruning: the same median ratios, but only in the 62 % least sensitive layers. Its "
            "protection of important tokens is not built in");
    case GatePreset::Hobbit:
        return words("arXiv 2411.01433, T1 = 0.6 and T2 = 0.9: missing second experts are skipped, fetched in low or in high "
                     "precision by their weight. Drawn as guidance; there is no precision policy yet, and nothing is set");
    }
    return {};
}

PresetQuestion presetQuestion(const analysis::Snapshot& snapshot, const QString& gate) {
    PresetQuestion question;
    question.gate = gate;
    question.topK = snapshot.info ? std::max(1, snapshot.info->model.topK) : 2;
    question.known = snapshot.calibration;
    question.decisions = std::make_shared<policy::DecisionTrace>(analysis::recordedDecisions(snapshot));
    const int tokens = snapshot.layers > 0 ? static_cast<int>(snapshot.choices.size()) / snapshot.layers : 0;
    question.medianRatios = analysis::medianRatios(snapshot, {std::max(0, tokens - 4096), tokens});
    return question;
}

PresetAnswer resolve(GatePreset preset, const PresetQuestion& question) {
    try {
        PresetAnswer answer = unpriced(preset, question);
        if (!question.decisions || answer.values.isEmpty())
            return answer;
        std::vector<std::pair<std::string, std::string>> settings;
        for (auto at = answer.values.begin(); at != answer.values.end(); ++at)
            settings.emplace_back(at.key().toStdString(), at.value().toStdString());
        answer.expected = estimateGate(answer.values.value(u"gate"_s), analysis::gateParameters(question.known.get(), settings),
                                       *question.decisions);
        return answer;
    } catch (const std::exception& problem) {
        return {{}, QString::fromUtf8(problem.what()), {}};
    }
}

} // namespace moescope::ui
