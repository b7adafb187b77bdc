#pragma once
#include "engine/policy/decision_sample.h"
#include "engine/policy/gate_costs.h"
#include "engine/policy/linear_gate.h"
#include "engine/policy/pair_table.h"

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace moescope::policy {

/// What a calibration file holds of a model: how much the loss suffers per layer when expert weight is dropped (w_l of AdapMoE)
/// in several forms, and how its layers route. Measured once per model; JSON, see parseSensitivities. Only ratios between
/// layers carry meaning across thresholds. All but `refined` may be absent (empty).
struct Sensitivities {
    std::string file;      ///< for messages
    std::string modelHash; ///< as GgufFile::hash(); empty: fits any model with this many layers
    std::string modelName;
    std::string source;                           ///< how they were measured, for people
    std::vector<double> refined;                  ///< [layers], mean over tokens of sum_d g_d^2 (f1-f2)_d^2
    std::vector<double> paper;                    ///< [layers], mean over tokens of sum_d g_d^2
    std::shared_ptr<const PairTable> pairs;       ///< [layers][first][second], the refined form per pair; null if absent
    std::vector<double> directKl;                 ///< [layers], KL when every token drops at this layer alone
    std::vector<std::vector<double>> expertNorm;  ///< [layers][experts], mean norm of the expert's output
    std::vector<std::vector<double>> secondShare; ///< [layers][points], quantiles of the second weight, evenly from 0 to 1
    std::vector<std::vector<double>> recall; ///< [depth-1][layers], share of a layer's experts foreseen depth layers before
    /// Cache policy -> [layers][slots 0..experts], share of the askings that hit with that many slots.
    std::map<std::string, std::vector<std::vector<double>>> hitCurves;
    GateCosts costs;  ///< empty lists: not measured
    std::string json; ///< the file without what this program does not need to run or simulate the model; reads as the file does
    std::shared_ptr<const LinearGate> firstLayer;    ///< layer 0 from the token before; null if absent
    std::shared_ptr<const DecisionSample> decisions; ///< to find thresholds on; null if absent
};

/// {"format": "moescope-calibration", "version": 1, "model_hash": "...", "model_name": "...", "source": "...",
///  "sensitivity": {"refined": [L], "paper": [L], "pair": [L][E][E], "direct_kl": [L]},
///  "expert_norm": [L][E], "second_weight_quantiles": [L][2 or more, rising, 0..1],
///  "prefetch_recall": [1..3][L], "hit_curves": {"lru": [L][E+1], ...},
///  "gate_costs": see parseGateCosts,
///  "first_layer_gate": {"weights": [E][hidden], "bias": [E]},
///  "decisions": {"layers": L, "experts": E, "top_k": k, "renormalise": true, "data": "..."}, see DecisionSample}
/// Only format, version and sensitivity.refined must be there. Numbers are 0 or more; other keys are ignored. Throws
/// std::runtime_error with one sentence naming `file` and the reason.
Sensitivities parseSensitivities(std::string_view json, std::string file);
/// Files of more than 256 MB are refused.
Sensitivities readSensitivities(const std::filesystem::path& path);

/// The refined w_l per layer for a model of this many layers and this hash (empty: unknown). Throws std::runtime_error with one
/// sentence if the file was made for another model.
const std::vector<double>& sensitivitiesFor(const Sensitivities& sensitivities, int layers, std::string_view modelHash);

/// Share of the tokens whose second weight is at most `weight`, from its quantiles (evenly from 0 to 1, between them a line).
double shareUpTo(const std::vector<double>& quantiles, double weight);

} // namespace moescope::policy
