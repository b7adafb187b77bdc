#pragma once
#include "engine/calibrate/decision_sampler.h"
#include "engine/calibrate/first_layer_predictor.h"
#include "engine/calibrate/forward_estimator.h"
#include "engine/calibrate/hit_curves.h"
#include "engine/calibrate/routing_statistics.h"
#include "engine/calibrate/sensitivity.h"

#include <optional>

namespace moescope::calibrate {

enum class Method { Exact, Forward };

struct CalibrationPlan {
    Method method = Method::Exact;
    std::int64_t directTokens = 8192; ///< for the direct KL, which costs about layers / 2 forward passes; 0: none
    ProbePlan probes;
    TrainingPlan training;
};

/// What a calibration found out about a model on a text.
struct Calibration {
    Method method = Method::Exact;
    SensitivityMeter sensitivity;          ///< without `paper` and `refined` when measured by forward passes
    std::vector<ProbedMean> probedPaper;   ///< [layers], by forward passes only
    std::vector<ProbedMean> probedRefined; ///< [layers], by forward passes only
    std::vector<LayerRouting> routing;
    std::vector<HitCurves> hitCurves; ///< one per cache policy
    FirstLayerGate firstLayer;
    policy::DecisionSample decisions; ///< to find thresholds on
    std::int64_t tokens = 0;
    double meanLoss = 0; ///< nats per scored token
};

/// phase for people; share of the whole work that is done, 0 to 1, an estimate. Returns false to stop.
using CalibrationProgress = std::function<bool(std::string_view phase, double share)>;

/// Measures everything on windows of equal length. Nothing when progress said stop. Throws std::runtime_error with one sentence
/// when the text or the model is unfit. weights keep or read their experts as they were built to.
std::optional<Calibration> runCalibration(Weights<float>& weights, std::span<const std::vector<std::int32_t>> windows,
                                          const CalibrationPlan& plan, const CalibrationProgress& progress);

} // namespace moescope::calibrate
