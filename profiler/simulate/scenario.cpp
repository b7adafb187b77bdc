#include "profiler/simulate/scenario.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace moescope::simulate {
namespace {

bool isEngineSetting(std::string_view name) {
    const std::vector<std::string> names = runtime::settingNames();
    return std::find(names.begin(), names.end(), name) != names.end();
}

/// A gate that spends its error budget on what is not resident chooses anew when the cache holds something else.
bool gateLooksAtCache(const Recording& recording) {
    const auto looks = [](std::string_view gate) { return gate.ends_with("residency"); };
    for (const auto& [name, value] : recording.info.settings)
        if (name == "gate" && looks(value))
            return true;
    for (const Remark& remark : recording.remarks)
        if (std::holds_alternative<trace::SettingChanged>(remark.event))
            if (const SettingWords words = settingWords(recording.payloadOf(remark));
                words.name == "gate" && looks(words.after))
                return true;
    return false;
}

} // namespace

std::optional<std::string_view> Scenario::value(std::string_view setting) const {
    for (const auto& [name, value] : changes)
        if (name == setting)
            return value;
    return std::nullopt;
}

void Scenario::set(std::string_view setting, std::string_view wanted) {
    if (setting != "cache" || wanted != kBelady) {
        runtime::Settings scratch;
        runtime::setSetting(scratch, setting, wanted);
    }
    const auto known = std::find_if(changes.begin(), changes.end(), [&](const auto& one) { return one.first == setting; });
    if (known != changes.end())
        known->second = wanted;
    else
        changes.emplace_back(setting, wanted);
}

std::string describe(const Scenario& scenario) {
    std::vector<std::string> words;
    for (const auto& [name, value] : scenario.changes)
        words.push_back(fmt::format("{} {}", name, value));
    if (scenario.idealCopies)
        words.emplace_back("copies as fast as the link");
    return words.empty() ? "as recorded" : fmt::format("{}", fmt::join(words, ", "));
}

runtime::Calibration calibrationOf(const Recording& recording, const Scenario& scenario) {
    const session::SessionInfo& info = recording.info;
    if (!scenario.calibration.empty())
        return {scenario.calibration, info.model};
    policy::Sensitivities known;
    if (info.calibration.empty())
        known.refined = info.sensitivity;
    else
        known = policy::parseSensitivities(info.calibration, "in the session");
    return {std::move(known), info.model};
}

bool follows(const Scenario& scenario, std::string_view setting) {
    return isEngineSetting(setting) && !scenario.value(setting);
}

bool prefetchesAsBefore(const Recording& recording, const Scenario& scenario) {
    const auto names = [](const auto& list, auto matches) {
        return std::any_of(list.begin(), list.end(), [&](const auto& one) { return matches(std::string_view(one.first)); });
    };
    return !names(recording.info.settings, [](std::string_view name) { return name == "prefetch-spare-steps"; }) &&
           !names(scenario.changes, [](std::string_view name) { return name.starts_with("prefetch"); });
}

runtime::Settings settingsAtBegin(const Recording& recording, const Scenario& scenario) {
    runtime::Settings settings;
    settings.prefetchWatch = settings.prefetchFirstLayer = !prefetchesAsBefore(recording, scenario);
    for (const auto& [name, value] : recording.info.settings)
        if (follows(scenario, name)) {
            try {
                runtime::setSetting(settings, name, value);
            } catch (const std::invalid_argument& refusal) {
                throw std::runtime_error(fmt::format("The session cannot be simulated as it was recorded: {}", refusal.what()));
            }
        }
    for (const auto& [name, value] : scenario.changes)
        if (name != "cache" || value != kBelady)
            runtime::setSetting(settings, name, value);
    return settings;
}

bool gateAsRecorded(const Recording& recording, const Scenario& scenario) {
    const auto differs = [](const auto& change) { return change.first != "link"; };
    if (std::any_of(scenario.changes.begin(), scenario.changes.end(), differs) && gateLooksAtCache(recording))
        return false;
    for (const auto& [name, value] : scenario.changes) {
        if (!name.starts_with("gate"))
            continue;
        for (const auto& [recorded, before] : recording.info.settings)
            if (recorded == name && before != value)
                return false;
        for (const Remark& remark : recording.remarks)
            if (std::holds_alternative<trace::SettingChanged>(remark.event))
                if (const SettingWords words = settingWords(recording.payloadOf(remark));
                    words.name == name && words.after != value)
                    return false;
    }
    return true;
}

} // namespace moescope::simulate
