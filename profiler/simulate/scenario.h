#pragma once
#include "engine/runtime/calibration.h"
#include "engine/runtime/settings.h"
#include "profiler/simulate/recording.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace moescope::simulate {

/// The name of the offline optimum among the cache policies. It needs the future, so the engine cannot have it.
inline constexpr std::string_view kBelady = "belady";

/// A setting that a scenario can change.
struct ScenarioSetting {
    std::string name;
    std::vector<std::string> choices; ///< in menu order, belady last; empty: free, as setSetting reads it
    bool other = false;               ///< besides the choices a number may be given
    std::string standard;             ///< what a session that does not name it ran with
};
/// All of them, in the order of settingNames().
std::vector<ScenarioSetting> scenarioSettings();

/// What is to be different from the recording. Everything that is not said here happens as recorded, changes included.
struct Scenario {
    /// Setting and value, by settingNames(); they hold from the begin to the end.
    std::vector<std::pair<std::string, std::string>> changes;
    /// A calibration file for gates and allocations that need one; empty: the one in the session.
    std::filesystem::path calibration;
    /// Copies take what the link takes, also where the recording machine could not copy that fast.
    bool idealCopies = false;

    /// The value that is asked for, or nothing.
    std::optional<std::string_view> value(std::string_view setting) const;
    /// Checks as runtime::setSetting and replaces an earlier value; cache may also be `belady`. Throws std::invalid_argument.
    void set(std::string_view setting, std::string_view value);
    bool belady() const { return value("cache") == kBelady; }
};

/// "cache lfu, cache-experts 16", or "as recorded".
std::string describe(const Scenario& scenario);

/// The settings at the begin; names that only the sampler knows are left out. Throws std::runtime_error with one sentence when
/// the session was made with a value that this program does not know.
runtime::Settings settingsAtBegin(const Recording& recording, const Scenario& scenario);
/// True if the session was recorded before guesses were watched, aimed at the first layer and spared what is foreseen, and the
/// scenario leaves prefetching as it was: then none of that is simulated.
bool prefetchesAsBefore(const Recording& recording, const Scenario& scenario);
/// What gates and allocations are built from: the scenario's calibration, else the session's own, else what older sessions hold
/// of it. Throws std::runtime_error with one sentence.
runtime::Calibration calibrationOf(const Recording& recording, const Scenario& scenario);
/// True if a change that the session recorded takes effect in the simulation.
bool follows(const Scenario& scenario, std::string_view setting);
/// True if the gate drops what it dropped in the recording. Otherwise what follows a changed decision is approximate, because
/// the hidden states are the recorded ones.
bool gateAsRecorded(const Recording& recording, const Scenario& scenario);

} // namespace moescope::simulate
