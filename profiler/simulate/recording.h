#pragma once
#include "engine/trace/routing_payload.h"
#include "engine/trace/tracer.h"
#include "profiler/session/session_info.h"
#include "profiler/simulate/figures.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace moescope::simulate {

/// The caller's onProgress said stop. Nothing is left behind.
struct Cancelled : std::runtime_error {
    Cancelled() : std::runtime_error("The simulation was cancelled; nothing was written.") {}
};

/// Called now and then with the share that is done, 0..1; returning false cancels (throws Cancelled). May be empty.
using Progress = std::function<bool(double share)>;

/// One router decision; its bytes are in Recording::payloads.
struct Decision {
    trace::ExpertsChosen event;
    std::size_t payload = 0;
};

/// One layer of one pass. Times are what the recording spent there without waiting for transfers.
struct LayerWork {
    int layer = 0;
    std::size_t firstDecision = 0;
    int decisions = 0;
    trace::TimeNs attentionNs = 0;
    trace::TimeNs routerNs = 0;
    trace::TimeNs expertsNs = 0; ///< without stalls
    trace::TimeNs leadNs = -1;   ///< from the begin of the stage to its first stall; -1: no stall
    int rows = 0;                ///< kept (token, expert) pairs
    int hits = 0;
    int misses = 0;   ///< in flight ones counted
    int requests = 0; ///< transfers asked for: misses that were not in flight, and prefetches
};

/// One forward pass.
struct Pass {
    trace::TokenIndex first;
    int tokens = 1;
    trace::Phase phase = trace::Phase::Decode;
    std::size_t firstLayer = 0; ///< in Recording::layers
    int layerCount = 0;
    trace::TimeNs outputNs = -1; ///< -1: there was no such stage
    trace::TimeNs sampleNs = -1;
    trace::TimeNs tailNs = 0; ///< of the step, beyond its stages
    bool complete = false;    ///< its Step was recorded
};

/// What the conversation said between the passes: prompts, tokens, settings, notes.
struct Remark {
    trace::Event event;
    std::size_t payload = 0;
    std::size_t payloadBytes = 0;
};

/// Passes and remarks in the order of the recording.
struct ScriptItem {
    enum class Kind : std::uint8_t { Pass, Remark } kind = Kind::Remark;
    std::size_t index = 0;
    trace::TimeNs gapNs = 0; ///< since the item before it ended
};

/// One transfer as it was, for the measurement of the link.
struct Copy {
    trace::TransferSpan span;
    trace::Phase phase = trace::Phase::Decode;
};
struct Wait {
    trace::TimeNs begin = 0;
    trace::TimeNs end = 0;
    std::size_t layer = 0; ///< in Recording::layers
    trace::TransferId transfer;
    trace::Phase phase = trace::Phase::Decode;
};

/// A recorded session, cut into what a simulation needs. Immutable once read; any number of simulations may share it, each on
/// its own thread. About 100 bytes per router decision.
struct Recording {
    session::SessionInfo info;
    trace::TimeNs beganAt = 0; ///< the allocation that the cache began with
    std::vector<ScriptItem> script;
    std::vector<Pass> passes;
    std::vector<LayerWork> layers;
    std::vector<Decision> decisions;
    std::vector<Remark> remarks;
    std::vector<Copy> copies;
    std::vector<Wait> waits;
    std::vector<std::byte> payloads;
    int predictedDepths = 0; ///< layers ahead that every decision foresees (fewer at the last layers)
    bool renormalise = true; ///< the kept weights are divided by their sum; seen in the recorded weights
    Figures figures;         ///< as recorded

    trace::Payload payloadOf(const Decision& decision) const {
        return trace::Payload(payloads).subspan(decision.payload, trace::routingPayloadBytes(decision.event));
    }
    trace::Payload payloadOf(const Remark& remark) const {
        return trace::Payload(payloads).subspan(remark.payload, remark.payloadBytes);
    }
};

/// The parts of a SettingChanged payload.
struct SettingWords {
    std::string_view name, before, after;
};
SettingWords settingWords(trace::Payload payload);

/// Reads a session and checks that it holds what a simulation needs. Throws std::runtime_error with one sentence naming the
/// file: imported, events lost, continued, no decisions, no stages, damaged. Throws Cancelled.
Recording readRecording(const std::filesystem::path& file, const Progress& progress = {});

/// Builds a Recording from a session's events in order. Used by readRecording, and by tests and benchmarks without a file.
class RecordingBuilder {
public:
    /// `name` stands for the session in messages.
    RecordingBuilder(session::SessionInfo info, std::string name);
    void add(const trace::Event& event, trace::Payload payload);
    /// Nothing may be added afterwards.
    Recording finish();

private:
    void on(const trace::ExpertsChosen& e, trace::Payload payload);
    void on(const trace::StageSpan& e);
    void on(const trace::StallSpan& e);
    void on(const trace::TransferSpan& e);
    void remark(const trace::Event& event, trace::Payload payload);
    void endRouter(const trace::StageSpan& e);
    void endExperts(const trace::StageSpan& e);
    void endPass(const trace::StageSpan& e);
    Pass& openPass(const trace::StageSpan& e);
    void closeCutOffPass();
    void item(ScriptItem::Kind kind, std::size_t index, trace::TimeNs begin, trace::TimeNs end);
    void learnRule();
    [[noreturn]] void refuse(const std::string& reason) const;

    std::string m_name;
    Recording m_recording;
    FigureCounter m_figures;
    bool m_begun = false; ///< beganAt is known
    bool m_passOpen = false;
    trace::TimeNs m_cursor = 0; ///< recorded time up to which the script goes
    trace::TimeNs m_passBegin = 0;
    trace::TimeNs m_named = 0; ///< of the open pass, time of its stages
    trace::TimeNs m_total = 0; ///< of all stages
    std::size_t m_pending = 0; ///< first decision without a router stage
    LayerWork m_layer;         ///< the open layer
    trace::TimeNs m_stallNs = 0;
    trace::TimeNs m_firstStall = -1;
    bool m_layerOpen = false;
};

} // namespace moescope::simulate
