#include "profiler/simulate/simulate.h"

#include "profiler/simulate/session_sink.h"
#include "profiler/simulate/simulation.h"

#include <algorithm>
#include <fmt/format.h>

namespace moescope::simulate {
namespace {

/// The recording's facts, with the scenario's settings, under the simulation's own name.
session::SessionInfo infoOf(const Recording& recording, const Scenario& scenario, const session::SessionInfo& facts) {
    session::SessionInfo info = recording.info;
    info.id = facts.id;
    info.createdUtc = facts.createdUtc;
    info.programVersion = facts.programVersion;
    info.build = facts.build;
    info.origin = session::Origin::Simulated;
    info.title =
        fmt::format("{} (simulated: {})", recording.info.title.empty() ? "Session" : recording.info.title, describe(scenario));
    for (const auto& [name, value] : scenario.changes) {
        const auto row = std::find_if(info.settings.begin(), info.settings.end(),
                                      [&, wanted = std::string_view(name)](const auto& one) { return one.first == wanted; });
        if (row != info.settings.end())
            row->second = value;
        else
            info.settings.emplace_back(name, value);
    }
    info.endedNs = -1;
    return info;
}

} // namespace

struct Simulator::State {
    explicit State(Recording of) : recording(std::move(of)), timing(recording) {}
    Recording recording;
    MachineTiming timing;
};

Simulator::Simulator(Recording recording) : m_state(std::make_unique<const State>(std::move(recording))) {}

Simulator::~Simulator() = default;

const Recording& Simulator::recording() const {
    return m_state->recording;
}

Figures Simulator::estimate(const Scenario& scenario, const Progress& progress) const {
    const session::SessionInfo& info = recording().info;
    FigureCounter counter(info.model.layers, info.model.experts);
    Simulation(recording(), m_state->timing, scenario, counter).run(progress);
    return counter.figures();
}

Figures Simulator::trace(const Scenario& scenario, trace::Tracer& tracer, const Progress& progress) const {
    const session::SessionInfo& info = recording().info;
    FigureCounter counter(info.model.layers, info.model.experts, &tracer);
    Simulation(recording(), m_state->timing, scenario, counter).run(progress);
    return counter.figures();
}

Figures Simulator::write(const Scenario& scenario, const std::filesystem::path& file, const session::SessionInfo& facts,
                         const Progress& progress) const {
    const session::SessionInfo info = infoOf(recording(), scenario, facts);
    FigureCounter counter(info.model.layers, info.model.experts);
    // Before a file is made: a scenario that cannot be simulated leaves none.
    Simulation simulation(recording(), m_state->timing, scenario, counter);
    SessionSink sink(file, info);
    counter.passTo(&sink);
    sink.emit(trace::NoteMade{.at = recording().beganAt, .token = trace::TokenIndex(0)}, trace::asPayload(caveat(scenario)));
    simulation.run([&](double share) {
        sink.flushIfDue();
        return !progress || progress(share);
    });
    sink.finish(simulation.now());
    return counter.figures();
}

policy::TargetThreshold Simulator::thresholdForMeanK(const Scenario& scenario, double target) const {
    const Recording& all = recording();
    const auto decoded = [](const Decision& decision) { return decision.event.phase == trace::Phase::Decode; };
    const bool answers = std::any_of(all.decisions.begin(), all.decisions.end(), decoded);
    policy::DecisionTrace decisions(all.info.model.experts, {.topK = all.info.model.topK, .renormalise = all.renormalise});
    for (const Decision& decision : all.decisions)
        if (decision.event.experts == all.info.model.experts && (!answers || decoded(decision)))
            decisions.add(decision.event.layer.value, decision.event.token,
                          trace::decodeRouting(decision.event, all.payloadOf(decision)).value().gate);
    const runtime::Settings settings = settingsAtBegin(all, scenario);
    return policy::thresholdForMeanK(settings.gate, calibrationOf(all, scenario).gateParameters(settings), decisions, target);
}

std::string Simulator::caveat(const Scenario& scenario) const {
    std::string text =
        fmt::format("Simulated from the session {} ({}): every time is an estimate, from the recording's compute "
                    "times and a model of the link.",
                    recording().info.id, describe(scenario));
    if (!gateAsRecorded(recording(), scenario))
        text += " Gating differs from the recording, and with it the hidden states that follow: the choices are approximate.";
    if (scenario.belady())
        text += " Belady's eviction looks into the future: a bound, not a policy that an engine can have.";
    const trace::TimeNs lost = m_state->timing.heldUpTotalNs();
    if (lost > 0)
        text +=
            fmt::format(" The {:.0f} ms in which the recording process was put aside while it waited are kept, as compute and "
                        "not as stall.",
                        static_cast<double>(lost) / 1e6);
    return text;
}

} // namespace moescope::simulate
