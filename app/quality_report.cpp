#include "app/quality_report.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace moescope::app {

namespace {

const char* modeName(const QualityMeter& meter) {
    return meter.plan().mode == runtime::Engine::ScoreMode::Decode ? "decode" : "prefill";
}

std::string scaleWords(const QualityView& view) {
    return policy::lossInWords(view.result.meanKl, view.meter.known().costs.quantisation);
}

} // namespace

std::string qualityJson(const QualityView& view) {
    const QualityResult& r = view.result;
    nlohmann::ordered_json out{{"perplexity", r.perplexity},
                               {"perplexity_standard_error", r.standardError},
                               {"baseline_perplexity", r.baselinePerplexity},
                               {"perplexity_ratio", r.perplexityRatio},
                               {"perplexity_ratio_standard_error", r.perplexityRatioError},
                               {"mean_kl", r.meanKl},
                               {"mean_kl_standard_error", r.meanKlError},
                               {"p99_kl", r.p99Kl},
                               {"p99_kl_standard_error", r.p99KlError},
                               {"equal_top1", r.equalTop1},
                               {"equal_top1_standard_error", r.equalTop1Error},
                               {"tokens_scored", r.tokensScored},
                               {"mean_experts_per_token_layer", r.meanExpertsPerTokenLayer},
                               {"single_expert_share", r.singleExpertShare},
                               {"executions_cut", r.executionsCut},
                               {"bytes_per_token", r.bytesPerToken},
                               {"hit_rate", r.hitRate < 0 ? nlohmann::ordered_json() : nlohmann::ordered_json(r.hitRate)},
                               {"loss_in_words", scaleWords(view)},
                               {"windows", r.windows},
                               {"window_tokens", r.windowTokens},
                               {"mode", modeName(view.meter)},
                               {"model", view.meter.facts().name},
                               {"model_hash", view.meter.facts().hash},
                               {"quantisation", view.meter.facts().quantisation},
                               {"reference_hash", view.meter.referenceFacts().hash},
                               {"reference_quantisation", view.meter.referenceFacts().quantisation}};
    for (const std::string& name : runtime::settingNames())
        out["settings"][name] = runtime::settingValue(view.settings, name);
    return out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string qualityText(const QualityView& view) {
    const QualityResult& r = view.result;
    const QualityMeter& meter = view.meter;
    const bool otherFile = !meter.plan().reference.empty();
    std::string text;
    const auto line = [&](std::string_view name, const std::string& value) { text += fmt::format("{:<28}{}\n", name, value); };
    line("model", fmt::format("{} ({})", meter.facts().name, meter.facts().quantisation));
    line("gate", fmt::format("{}, threshold {}", view.settings.gate, view.settings.gateThreshold));
    line("reference", otherFile ? fmt::format("{}, all of top-{}", meter.referenceFacts().quantisation, meter.facts().topK)
                                : fmt::format("the same file, all of top-{}", meter.facts().topK));
    line("perplexity", fmt::format("{:.4f} +/- {:.4f}", r.perplexity, r.standardError));
    line("of the reference", fmt::format("{:.4f}, so {:+.2f} % +/- {:.2f} %", r.baselinePerplexity,
                                         (r.perplexityRatio - 1) * 100, r.perplexityRatioError * 100));
    line("KL to the reference", fmt::format("{:.6f} +/- {:.6f} mean, {:.6f} +/- {:.6f} 99th percentile (nats per token)",
                                            r.meanKl, r.meanKlError, r.p99Kl, r.p99KlError));
    if (const std::string words = scaleWords(view); !words.empty() && !otherFile)
        line("as quantisation goes", words);
    line("same first choice", fmt::format("{:.2f} % +/- {:.2f} %", r.equalTop1 * 100, r.equalTop1Error * 100));
    line("experts per token, layer", fmt::format("{:.3f} mean: one alone in {:.1f} %, {:.1f} % fewer executions",
                                                 r.meanExpertsPerTokenLayer, r.singleExpertShare * 100, r.executionsCut * 100));
    line("over the link", r.hitRate < 0
                              ? fmt::format("{:.0f} bytes per token", r.bytesPerToken)
                              : fmt::format("{:.0f} bytes per token, hit rate {:.1f} %", r.bytesPerToken, r.hitRate * 100));
    line("scored",
         fmt::format("{} tokens in {} windows of {}, {}", r.tokensScored, r.windows, r.windowTokens, modeName(meter)));
    return text;
}

} // namespace moescope::app
