#include "app/command_flags.h"
#include "app/command_list.h"
#include "app/console.h"
#include "app/run_facts.h"
#include "app/run_gate_target.h"
#include "app/run_signals.h"
#include "app/simulate_report.h"

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <fstream>
#include <unistd.h>

namespace moescope::app {
namespace {

using Clock = std::chrono::steady_clock;

struct SimulateFlags {
    std::string session;
    /// By settingNames(), as given; empty = as recorded.
    std::vector<std::pair<std::string, std::string>> settings;
    std::string calibration;
    std::string gateTarget;
    std::vector<std::string> sweeps;
    std::string output;
    bool idealCopies = false;
    bool json = false;
    bool progress = false;
};

/// One line on stderr: the share that is done and the time that is left. Owned by the command; one thread.
class ProgressLine {
public:
    explicit ProgressLine(bool shown) : m_shown(shown) {}
    ~ProgressLine() { clear(); }
    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;

    void show(double share) {
        constexpr std::chrono::milliseconds kRedraw{100};
        const Clock::time_point now = Clock::now();
        if (!m_shown || now - m_drawn < kRedraw)
            return;
        m_drawn = now;
        m_open = true;
        const double seconds = std::chrono::duration<double>(now - m_begin).count();
        constexpr double kKnown = 0.01;
        if (share < kKnown)
            say("\r{:3.0f} % ", 100 * share);
        else
            say("\r{:3.0f} %, about {:.0f} s left ", 100 * share, seconds / share * (1 - share));
    }
    void clear() {
        if (m_open)
            say("\r{:32}\r", "");
        m_open = false;
    }

private:
    bool m_shown;
    bool m_open = false;
    Clock::time_point m_begin = Clock::now();
    Clock::time_point m_drawn{};
};

simulate::Scenario scenarioOf(const SimulateFlags& flags) {
    simulate::Scenario scenario;
    for (const auto& [name, value] : flags.settings)
        if (!value.empty())
            scenario.set(name, value);
    scenario.calibration = flags.calibration;
    scenario.idealCopies = flags.idealCopies;
    return scenario;
}

std::vector<simulate::SweepAxis> axesOf(const SimulateFlags& flags, const simulate::Scenario& scenario) {
    std::vector<simulate::SweepAxis> axes;
    for (const std::string& text : flags.sweeps) {
        simulate::SweepAxis axis = simulate::parseSweep(text);
        const bool twice = std::any_of(axes.begin(), axes.end(), [&](const auto& one) { return one.setting == axis.setting; });
        if (twice || scenario.value(axis.setting))
            throw UsageError(fmt::format("The setting {} is given twice.", axis.setting));
        axes.push_back(std::move(axis));
    }
    return axes;
}

session::SessionInfo ownFacts() {
    session::SessionInfo facts;
    facts.id = newSessionId();
    facts.createdUtc = utcNow();
    facts.programVersion = programVersion();
    facts.build = buildLine();
    return facts;
}

/// The sweep's table as a file: complete, or not there.
void writeTable(const std::string& file, const std::string& text) {
    const std::string part = file + ".part";
    {
        std::ofstream out(part, std::ios::binary);
        out << text;
        out.flush();
        if (!out) {
            std::remove(part.c_str());
            throw std::runtime_error(fmt::format("The file {} cannot be written.", file));
        }
    }
    if (std::rename(part.c_str(), file.c_str()) != 0) {
        std::remove(part.c_str());
        throw std::runtime_error(fmt::format("The file {} cannot be written.", file));
    }
}

void applyTarget(const SimulateFlags& flags, const simulate::Simulator& simulator, simulate::Scenario& scenario) {
    const double target = gateTargetFrom(flags.gateTarget);
    const policy::TargetThreshold found = simulator.thresholdForMeanK(scenario, target);
    const std::string gate = settingsAtBegin(simulator.recording(), scenario).gate;
    say("{}\n", describeTarget(gate, target, found, "the session's own router decisions"));
    scenario.set("gate-threshold", fmt::format("{}", found.threshold));
}

int simulateSession(const SimulateFlags& flags) {
    simulate::Scenario scenario = scenarioOf(flags);
    const std::vector<simulate::SweepAxis> axes = axesOf(flags, scenario);
    if (!flags.output.empty() && std::filesystem::exists(flags.output))
        throw UsageError(fmt::format("The file {} exists already.", flags.output));
    std::atomic<bool> stop = false;
    const StopSignals signals([&stop] { stop = true; });
    ProgressLine line(flags.progress || isatty(STDERR_FILENO) == 1);
    const simulate::Progress progress = [&](double share) {
        line.show(share);
        return !stop;
    };
    const simulate::Simulator simulator(simulate::readRecording(flags.session, [&stop](double) { return !stop; }));
    if (!flags.gateTarget.empty())
        applyTarget(flags, simulator, scenario);
    std::string text;
    if (!axes.empty()) {
        const auto points = simulate::sweep(simulator, scenario, axes, progress);
        text = flags.json ? sweepJson(simulator, scenario, axes, points) : sweepText(simulator, scenario, axes, points);
        if (!flags.output.empty())
            writeTable(flags.output, text);
    } else {
        const simulate::Figures figures = flags.output.empty() ? simulator.estimate(scenario, progress)
                                                               : simulator.write(scenario, flags.output, ownFacts(), progress);
        text = flags.json ? simulationJson(simulator, scenario, figures) : simulationText(simulator, scenario, figures);
    }
    line.clear();
    if (axes.empty() || flags.output.empty())
        putResult(text);
    return 0;
}

void addSettings(CLI::App& command, SimulateFlags& flags) {
    for (const std::string& name : runtime::settingNames())
        flags.settings.emplace_back(name, "");
    for (auto& [name, value] : flags.settings) {
        const bool cache = name == "cache";
        std::string help = fmt::format("{}{}. Default: as recorded", settingHelp(name),
                                       cache ? ", or belady: the offline optimum, a bound" : "");
        command.add_option(cache ? "--cache,--policy" : "--" + name, value, std::move(help))
            ->type_name("VALUE")
            ->group("Settings (what is not given happens as recorded, changes included)");
    }
}

} // namespace

void addSimulateCommand(CLI::App& root, Chosen& chosen) {
    auto flags = std::make_shared<SimulateFlags>();
    CLI::App* command = root.add_subcommand(
        "simulate", "What would have happened to a session under other settings: estimates, without a model");
    command->footer("Examples:\n"
                    "  moescope-engine simulate fox.moescope --cache-experts 16 --link pcie3x4 --output slow.moescope\n"
                    "  moescope-engine simulate fox.moescope --sweep cache-experts=8:64:8 --sweep cache=lru,lfu,belady\n"
                    "Every time is an estimate: compute as recorded, copies by a model of the link.");
    command->add_option("session", flags->session, "Recorded session (.moescope)")->required()->type_name("SESSION");
    addSettings(*command, *flags);
    command
        ->add_option("--calibration", flags->calibration,
                     "Calibration file for gates and allocations that need one (JSON). Default: what the session holds")
        ->type_name("FILE");
    command
        ->add_option(fmt::format("--{}", kGateTarget), flags->gateTarget,
                     "Find the gate's threshold for this mean number of experts per token and layer, on the session's own "
                     "router decisions. Example: 1.5")
        ->type_name("K");
    command->add_flag("--ideal-copies", flags->idealCopies,
                      "Copies take the link's time only, also where the recording machine could not copy that fast");
    command
        ->add_option("--sweep", flags->sweeps,
                     "A table over a setting: NAME=FROM:TO:STEP or NAME=VALUE,VALUE; again for every combination. Example: "
                     "cache-experts=8:64:8")
        ->type_name("SWEEP")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    command->add_option("--output", flags->output, "Write the simulated session to this new file; with --sweep: the table")
        ->type_name("FILE");
    command->add_flag("--json", flags->json, "For programs: one JSON object; undefined rates are null");
    command->add_flag("--progress", flags->progress, "Show progress also when stderr is not a terminal");
    command->callback([flags, &chosen] { chosen = [flags] { return simulateSession(*flags); }; });
}

} // namespace moescope::app
