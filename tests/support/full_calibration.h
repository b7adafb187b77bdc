#pragma once
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace moescope::test {

/// The bundled model's calibration in a file of its own, with every form that gates and allocations ask for; what the bundled
/// file lacks is made up.
inline void writeFullCalibration(const std::filesystem::path& path) {
    std::ifstream in(std::filesystem::path(MOESCOPE_SOURCE_DIR) / "resources/model/calibration.json");
    nlohmann::json json = nlohmann::json::parse(in);
    auto& forms = json["sensitivity"];
    if (!forms.contains("pair"))
        for (const auto& mean : forms["refined"])
            forms["pair"].push_back(std::vector(8, std::vector(8, mean.get<double>())));
    std::ofstream(path) << json.dump();
}

} // namespace moescope::test
