#pragma once
#include "engine/calibrate/calibration.h"
#include "engine/model/model_facts.h"

#include <filesystem>

namespace moescope::calibrate {

/// Where the figures come from; all for people, but for the hash inside facts, by which another model is refused.
struct CalibrationOrigin {
    model::ModelFacts facts;
    std::string text;       ///< the text's name, no path
    std::string createdUtc; ///< "2026-11-22T10:00:00Z"
    std::string program;    ///< name and version
    int windowTokens = 0;
    std::int64_t windows = 0;
};

/// JSON that policy::parseSensitivities reads, and more that it ignores.
std::string calibrationJson(const Calibration& calibration, const CalibrationOrigin& origin);

/// Writes beside the path and renames, so that there is never half a file. Throws std::runtime_error with one sentence.
void writeWhole(const std::filesystem::path& path, std::string_view text);

} // namespace moescope::calibrate
