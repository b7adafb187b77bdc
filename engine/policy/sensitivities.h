#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace moescope::policy {

/// How much the loss suffers per layer when expert weight is dropped (w_l of AdapMoE), measured once per model and kept in a
/// calibration file: JSON, see parseSensitivities. Only ratios between layers carry meaning across thresholds.
struct Sensitivities {
    std::string file;      ///< for messages
    std::string modelHash; ///< as GgufFile::hash(); empty: fits any model with this many layers
    std::string modelName;
    std::string source;          ///< how they were measured, for people
    std::vector<double> refined; ///< [layers], mean over tokens of sum_d g_d^2 (f1-f2)_d^2
};

/// {"format": "moescope-calibration", "version": 1, "model_hash": "...", "model_name": "...", "source": "...",
///  "sensitivity": {"refined": [...]}}; model_hash, model_name and source may be absent. Throws std::runtime_error with one
/// sentence naming `file` and the reason.
Sensitivities parseSensitivities(std::string_view json, std::string file);
Sensitivities readSensitivities(const std::filesystem::path& path);

/// The w_l per layer for a model of this many layers and this hash (empty: unknown). Throws std::runtime_error with one
/// sentence if the file was made for another model.
const std::vector<double>& sensitivitiesFor(const Sensitivities& sensitivities, int layers, std::string_view modelHash);

} // namespace moescope::policy
