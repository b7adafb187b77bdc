#pragma once
#include "app/quality.h"
#include "app/routing_collector.h"

namespace moescope::app {

struct CostPlan {
    runtime::EngineOptions engine;                ///< the model; its calibration must be at hand
    std::filesystem::path f16;                    ///< the same model before quantisation
    std::vector<std::filesystem::path> formats{}; ///< further files of it, each a mark on the scale beside the model's own
    int windowTokens = 512;
    int maxWindows = 0; ///< 0: all
};

/// The gates whose price people ask for.
std::vector<std::string> pricedGates();

/// The router's decisions on the first windows of a text, whole top-k, everything resident; guesses up to `depth` layers ahead.
void collectRouting(runtime::EngineOptions engine, const std::string& text, int windowTokens, int windows, int depth,
                    RoutingCollector& into);

/// The settings in which a gate keeps that many experts per token and layer on the trace. Throws std::invalid_argument.
runtime::Settings settingsForMeanK(const runtime::Calibration& calibration, const policy::DecisionTrace& trace,
                                   const std::string& gate, double meanExperts);

/// The price list of a model: every priced gate from whole top-k down to 0.6 of it, teacher-forced on the text, and the
/// quantisation losses by the same measure. Prefill passes: the same numbers as token by token, but faster. Nothing when
/// progress said stop. Throws one sentence.
std::optional<policy::GateCosts> measureGateCosts(const CostPlan& plan, const std::string& text, const std::string& textName,
                                                  const std::function<bool(double share)>& progress);

/// Puts the price list into a calibration file, in place of an older one. Throws std::runtime_error with one sentence.
void putGateCosts(const std::filesystem::path& calibration, const policy::GateCosts& costs);

} // namespace moescope::app
