#include "engine/calibrate/calibration_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace moescope::calibrate {
namespace {

using Json = nlohmann::ordered_json;

/// Six digits are more than any figure here deserves, and keep the file short. Not finite: null.
Json number(double value) {
    if (!std::isfinite(value))
        return nullptr;
    return std::stod(fmt::format("{:.6g}", value));
}

template <class Values>
Json numbers(const Values& values) {
    Json list = Json::array();
    for (const auto value : values)
        list.push_back(number(static_cast<double>(value)));
    return list;
}

template <class Value>
Json square(const std::vector<Value>& values) {
    const auto side = static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(values.size()))));
    Json rows = Json::array();
    for (std::size_t row = 0; row < side; ++row)
        rows.push_back(numbers(std::span(values).subspan(row * side, side)));
    return rows;
}

/// One entry per element of a list.
template <class List, class Entry>
Json each(const List& list, Entry entry) {
    Json result = Json::array();
    for (const auto& element : list)
        result.push_back(entry(element));
    return result;
}

Json sensitivityJson(const Calibration& calibration) {
    std::vector<LayerSensitivity> layers;
    layers.reserve(static_cast<std::size_t>(calibration.sensitivity.layers()));
    for (int layer = 0; layer < calibration.sensitivity.layers(); ++layer)
        layers.push_back(calibration.sensitivity.layer(layer));
    Json json;
    if (calibration.method == Method::Exact) {
        json["method"] = "exact reverse pass";
        json["paper"] = each(layers, [](const auto& layer) { return number(layer.paper.mean()); });
        json["paper_standard_error"] = each(layers, [](const auto& layer) { return number(layer.paper.standardError()); });
        json["refined"] = each(layers, [](const auto& layer) { return number(layer.refined.mean()); });
        json["refined_standard_error"] = each(layers, [](const auto& layer) { return number(layer.refined.standardError()); });
        json["second"] = each(layers, [](const auto& layer) { return numbers(layer.bySecond()); });
        json["pair"] = each(layers, [](const auto& layer) { return square(layer.byPair()); });
        json["pair_tokens"] = each(layers, [](const auto& layer) { return square(layer.counts); });
        json["shrinkage_tokens"] = kShrinkage;
    } else {
        json["method"] = "forward passes along random directions";
        const auto put = [&](const char* name, const std::vector<ProbedMean>& means) {
            json[name] = each(means, [](const ProbedMean& mean) { return number(mean.mean); });
            json[std::string(name) + "_standard_error"] =
                each(means, [](const ProbedMean& mean) { return number(mean.standardError); });
            json[std::string(name) + "_probes"] = each(means, [](const ProbedMean& mean) { return mean.probes; });
        };
        put("paper", calibration.probedPaper);
        put("refined", calibration.probedRefined);
    }
    if (!layers.empty() && layers.front().directKl.count() > 0) {
        json["direct_kl"] = each(layers, [](const auto& layer) { return number(layer.directKl.mean()); });
        json["direct_kl_standard_error"] =
            each(layers, [](const auto& layer) { return number(layer.directKl.standardError()); });
        json["direct_kl_tokens"] = number(layers.front().directKl.count());
    }
    if (calibration.method == Method::Exact)
        for (const Prediction& form : calibration.sensitivity.predictions())
            json["rank_correlation_with_direct_kl"][form.form] = number(form.rankCorrelation);
    return json;
}

/// [depth - 1][layer]; 0 where there is no layer that many before.
Json recallJson(const Calibration& calibration, std::array<GateRecall, kMaxGateDepth> LayerRouting::*kind,
                double (GateRecall::*figure)() const) {
    Json depths = Json::array();
    for (int depth = 0; depth < std::min(kMaxGateDepth, static_cast<int>(calibration.routing.size()) - 1); ++depth)
        depths.push_back(each(calibration.routing, [&](const LayerRouting& layer) {
            return number(((layer.*kind)[static_cast<std::size_t>(depth)].*figure)());
        }));
    return depths;
}

void putRouting(const Calibration& calibration, Json& json) {
    const auto& layers = calibration.routing;
    json["expert_norm"] = each(layers, [](const LayerRouting& layer) {
        std::vector<double> norms;
        norms.reserve(layer.usage.size());
        for (int expert = 0; expert < static_cast<int>(layer.usage.size()); ++expert)
            norms.push_back(layer.meanOutputNorm(expert));
        return numbers(norms);
    });
    json["second_weight_mean"] = each(layers, [](const LayerRouting& layer) { return number(layer.meanSecondWeight()); });
    json["second_weight_quantiles"] =
        each(layers, [](const LayerRouting& layer) { return numbers(layer.secondWeightQuantiles()); });
    json["usage"] = each(layers, [](const LayerRouting& layer) { return Json(layer.usage); });
    json["previous_token_reuse"] = each(layers, [](const LayerRouting& layer) { return number(layer.reuse()); });
    json["transitions"] = each(layers, [](const LayerRouting& layer) {
        std::vector<double> shares;
        for (std::size_t at = 0; at < layer.transitions.size(); ++at)
            shares.push_back(static_cast<double>(layer.transitions[at]) /
                             std::max<double>(1, static_cast<double>(layer.followed[at / layer.usage.size()])));
        return square(shares);
    });
    if (layers.size() > 1) {
        json["prefetch_recall"] = recallJson(calibration, &LayerRouting::plainRecall, &GateRecall::slotRecall);
        json["prefetch_recall_mass"] = recallJson(calibration, &LayerRouting::plainRecall, &GateRecall::massRecall);
        json["prefetch_recall_next_norm"] = recallJson(calibration, &LayerRouting::normedRecall, &GateRecall::slotRecall);
        json["prefetch_recall_next_norm_mass"] = recallJson(calibration, &LayerRouting::normedRecall, &GateRecall::massRecall);
    }
    for (const HitCurves& curves : calibration.hitCurves)
        json["hit_curves"][curves.policy] = each(curves.rates, [](const auto& rates) { return numbers(rates); });
}

Json guessJson(const GuessQuality& quality) {
    return {
        {"kl", number(quality.kl)}, {"slot_recall", number(quality.slotRecall)}, {"mass_recall", number(quality.massRecall)}};
}

Json firstLayerJson(const FirstLayerGate& gate) {
    Json json{{"input", "the previous token's last hidden state after the output norm"},
              {"trained_tokens", gate.trainedTokens},
              {"held_out_tokens", gate.heldOutTokens},
              {"held_out", guessJson(gate.heldOut)},
              {"held_out_usual_experts", guessJson(gate.usual)},
              {"held_out_previous_token", guessJson(gate.previousToken)},
              {"bias", numbers(gate.bias)}};
    json["weights"] = Json::array();
    for (int expert = 0; expert < gate.weights.count(); ++expert)
        json["weights"].push_back(numbers(gate.weights.at(expert)));
    return json;
}

Json decisionsJson(const policy::DecisionSample& sample) {
    return {{"layers", sample.layers},   {"experts", sample.experts},
            {"top_k", sample.rule.topK}, {"renormalise", sample.rule.renormalise},
            {"tokens", sample.tokens()}, {"data", policy::encodeDecisions(sample)}};
}

[[noreturn]] void cannotWrite(const std::filesystem::path& path) {
    throw std::runtime_error(
        fmt::format("The calibration file {} cannot be written: {}.", path.string(), std::strerror(errno)));
}

} // namespace

std::string calibrationJson(const Calibration& calibration, const CalibrationOrigin& origin) {
    Json json{{"format", "moescope-calibration"},
              {"version", 1},
              {"model_hash", origin.facts.hash},
              {"model_name", origin.facts.name},
              {"source",
               fmt::format("{} on {} ({}), {} tokens of {} in windows of {}, loss summed over next tokens", origin.program,
                           origin.facts.name, origin.facts.quantisation, calibration.tokens, origin.text, origin.windowTokens)},
              {"text", origin.text},
              {"tokens", calibration.tokens},
              {"windows", origin.windows},
              {"window_tokens", origin.windowTokens},
              {"created_utc", origin.createdUtc},
              {"program", origin.program},
              {"mean_loss", number(calibration.meanLoss)}};
    json["sensitivity"] = sensitivityJson(calibration);
    putRouting(calibration, json);
    json["first_layer_gate"] = firstLayerJson(calibration.firstLayer);
    json["decisions"] = decisionsJson(calibration.decisions);
    return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

void writeWhole(const std::filesystem::path& path, std::string_view text) {
    const std::filesystem::path part = path.string() + ".part";
    std::FILE* file = std::fopen(part.c_str(), "wb");
    if (!file)
        cannotWrite(path);
    const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
    if (std::fclose(file) != 0 || !written || std::rename(part.c_str(), path.c_str()) != 0) {
        const int reason = errno;
        std::remove(part.c_str());
        errno = reason;
        cannotWrite(path);
    }
}

} // namespace moescope::calibrate
