#include "app/run_gate_target.h"

#include "engine/model/model_config.h"

#include <charconv>
#include <fmt/format.h>
#include <stdexcept>

namespace moescope::app {

double gateTargetFrom(const std::string& text) {
    double target = 0;
    const auto [stop, problem] = std::from_chars(text.data(), text.data() + text.size(), target);
    if (problem != std::errc() || stop != text.data() + text.size() || !(target >= 1 && target <= trace::kMaxTopK))
        throw std::invalid_argument(
            fmt::format("{} cannot be '{}'; allowed is a number from 1 to {}.", kGateTarget, text, trace::kMaxTopK));
    return target;
}

std::string describeTarget(const std::string& gate, double target, const policy::TargetThreshold& found,
                           const std::string& where) {
    if (!found.reached)
        throw std::invalid_argument(
            fmt::format("The gate {} cannot come down to {} experts per token and layer: it keeps {:.3f} at its largest "
                        "threshold, on {}.",
                        gate, target, found.meanExperts, where));
    std::string text = fmt::format("gate-threshold {:.6g}: {:.3f} experts per token and layer, one alone in {:.1f} %, on {}.",
                                   found.threshold, found.meanExperts, found.singleShare * 100, where);
    if (policy::foundForAnotherGate(gate))
        text += fmt::format(" Decisions do not tell what is resident: these are the figures of adapmoe-pair, and {} spends the "
                            "same budget only on experts that would have to be fetched, so it runs more.",
                            gate);
    return text;
}

std::string applyGateTarget(runtime::EngineOptions& options, const std::string& target) {
    const double wanted = gateTargetFrom(target);
    const model::GgufFile file(options.model);
    const model::ModelFacts facts = model::readModelFacts(file, model::readModelConfig(file));
    const runtime::Calibration calibration(options.calibration, facts);
    const policy::TargetThreshold found = calibration.thresholdForMeanK(options.settings, wanted);
    std::string text =
        describeTarget(options.settings.gate, wanted, found,
                       fmt::format("{} router decisions of the calibration", calibration.known().decisions->trace().size()));
    options.settings.gateThreshold = found.threshold;
    return text;
}

} // namespace moescope::app
