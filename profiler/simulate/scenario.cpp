#include "profiler/simulate/scenario.h"

#include "engine/expert/expert_mover.h"
#include "engine/policy/allocation_policy.h"
#include "engine/policy/cache_policy.h"
#include "engine/policy/gate_policy.h"
#include "engine/policy/prefetch_policy.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace moescope::simulate {
namespace {

constexpr std::string_view kMissService = "miss-service";

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

bool drops(const runtime::Settings& settings) {
    return settings.gate != "topk" && (settings.gateThreshold > 0 || settings.gateLayers != "none");
}

/// Whether a gate may drop something at any time of the scenario: at a threshold of 0 every one is plain top-k. A gate that
/// this program does not know may.
bool everDrops(const Recording& recording, const Scenario& scenario) {
    try {
        runtime::Settings settings = settingsAtBegin(recording, scenario);
        bool dropping = drops(settings);
        for (const Remark& remark : recording.remarks) {
            if (!std::holds_alternative<trace::SettingChanged>(remark.event))
                continue;
            const SettingWords words = settingWords(recording.payloadOf(remark));
            if (!words.name.starts_with("gate") || !follows(scenario, words.name))
                continue;
            runtime::setSetting(settings, words.name, words.after);
            dropping = dropping || drops(settings);
        }
        return dropping;
    } catch (const std::exception&) {
        return true;
    }
}

std::vector<std::string> choicesOf(std::string_view setting) {
    if (setting == "gate")
        return policy::gatePolicyNames();
    if (setting == "gate-phase")
        return policy::gatePhaseNames();
    if (setting == "allocation")
        return policy::allocationPolicyNames();
    if (setting == "prefetch")
        return policy::prefetchPolicyNames();
    if (setting == "link")
        return expert::linkNames();
    if (setting == "prefetch-first-layer" || setting == "prefetch-watch")
        return {"on", "off"};
    if (setting != "cache")
        return {};
    std::vector<std::string> names = policy::cachePolicyNames();
    names.emplace_back(kBelady);
    return names;
}

} // namespace

std::vector<ScenarioSetting> scenarioSettings() {
    std::vector<ScenarioSetting> settings;
    for (const std::string& name : runtime::settingNames())
        if (name != kMissService)
            settings.push_back({name, choicesOf(name), name == "link", runtime::settingValue({}, name)});
    return settings;
}

std::optional<std::string_view> Scenario::value(std::string_view setting) const {
    for (const auto& [name, value] : changes)
        if (name == setting)
            return value;
    return std::nullopt;
}

void Scenario::set(std::string_view setting, std::string_view wanted) {
    if (setting == kMissService && wanted != "copy")
        throw std::invalid_argument("A simulation computes no expert in place: miss-service can only be copy.");
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
    const bool gateAsked = std::any_of(scenario.changes.begin(), scenario.changes.end(),
                                       [](const auto& one) { return one.first.starts_with("gate"); });
    if (gateAsked && !everDrops(recording, scenario) && !everDrops(recording, {}))
        return true;
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
