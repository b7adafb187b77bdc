#include "ui/session_sensitivities.h"

#include "engine/policy/sensitivities.h"

#include <QString>
#include <filesystem>

namespace moescope::ui {

namespace {

std::vector<double> numbers(const std::string& list) {
    std::vector<double> values;
    for (const QString& part : QString::fromStdString(list).split(u',', Qt::SkipEmptyParts)) {
        bool sound = false;
        values.push_back(part.trimmed().toDouble(&sound));
        if (!sound)
            return {};
    }
    return values;
}

} // namespace

std::vector<double> sessionSensitivities(const analysis::Snapshot& snapshot) {
    if (!snapshot.info)
        return {};
    const session::SessionInfo& info = *snapshot.info;
    for (const auto& [name, value] : info.settings) {
        if (name == "sensitivities") {
            std::vector<double> values = numbers(value);
            return values.size() == static_cast<std::size_t>(info.model.layers) ? values : std::vector<double>{};
        }
    }
    try {
        const auto file = std::filesystem::path(info.model.path).parent_path() / "calibration.json";
        return policy::sensitivitiesFor(policy::readSensitivities(file), info.model.layers, info.model.hash);
    } catch (const std::exception&) {
        return {}; // a calibration that is not there or does not fit is as good as none: there is no estimate then
    }
}

} // namespace moescope::ui
