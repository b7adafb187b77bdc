#pragma once
#include "app/run_overhead.h"
#include "app/run_relay.h"
#include "engine/runtime/engine.h"
#include "profiler/gpu/gpu_collector.h"
#include "profiler/gpu/gpu_counters.h"
#include "profiler/record/recorder.h"

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace moescope::app {

struct RunOptions {
    runtime::EngineOptions engine;
    std::filesystem::path output; ///< see sessionPath()
    std::string title;
    /// Sampling as the session's facts first say it; answer() notes what differs from it.
    model::SamplerSettings sampling;
    int maxTokens = 256;
    std::int64_t maxSessionBytes = 0; ///< 0: no limit; beyond it the disk counts as full
    gpu::TraceLevel traceLevel = gpu::TraceLevel::Engine;
    bool pmSampling = false; ///< read the GPU's counters
};

/// One recorded run: a clock, an engine, a recorder, a session. While nothing can be written, the run is paused.
/// Built, used for answers and destroyed on one thread; the functions that say so may be called from any.
/// The constructor throws one sentence; no session file is left behind then.
class Run {
public:
    /// Empty reason: recording works again. Called on the recorder's thread.
    using OnTrouble = std::function<void(const std::string& reason)>;

    Run(const RunOptions& options, TracerRelay::OnToken onToken, OnTrouble onTrouble);
    ~Run();
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

    const model::ModelFacts& facts() const { return m_engine->facts(); }
    std::string backendName() const { return m_engine->backendName(); }
    std::string backendNote() const { return m_engine->backendNote(); }
    runtime::Settings settings() const { return m_engine->settings(); }
    const runtime::Calibration& calibration() const { return m_engine->calibration(); } ///< any thread

    /// Generates; changed sampling values become SettingChanged events first.
    runtime::Answer answer(const runtime::GenerationRequest& request);
    /// How the device is recorded, or why not.
    const gpu::GpuCollector& collector() const { return *m_collector; }
    /// How the device's counters are read, or why not.
    const gpu::GpuCounters& counters() const { return *m_counters; }
    /// Answers the request again and again, once to warm up and then `pairs` times without and with the device recorded
    /// and its counters read, in the order off on, on off. What it cost becomes an event. Nothing where the device is not
    /// recorded, or when an answer fails or is stopped.
    struct Overhead {
        trace::OverheadMeasured measured;
        OverheadShares shares;
    };
    std::optional<Overhead> measureOverhead(const runtime::GenerationRequest& request, int pairs);

    void post(std::string_view setting, std::string_view value); ///< any thread; see Engine::post
    void stop();                                                 ///< any thread
    void setPaused(bool paused);                                 ///< any thread; the user's wish
    std::filesystem::path path() const;                          ///< any thread
    /// Any thread: goes on recording in a new file there.
    void relocate(const std::filesystem::path& folder);
    /// Ends engine and session; nothing else may be called afterwards. Throws if the end could not be written.
    void finish();

private:
    session::SessionInfo info(const RunOptions& options) const;
    void noteSampling(const runtime::GenerationRequest& request);
    void noteCollector();
    /// Time per decoded token of one answer; nothing if it did not end by itself.
    std::optional<double> timeAnswer(const runtime::GenerationRequest& request, bool recording);
    void trouble(const std::string& reason);
    void applyPause();

    trace::SteadyClock m_clock;
    TracerRelay m_relay;
    OnTrouble m_onTrouble;
    trace::Tracer& m_tracer;                                     ///< of the engine's thread
    trace::Tracer& m_restater;                                   ///< of whoever calls relocate(), one at a time
    std::vector<std::pair<std::string, std::string>> m_sampling; ///< as last said in the session
    std::mutex m_reachMutex; ///< guards the three below against other threads: the recorder's, and who stops or sets
    bool m_userPaused = false;
    bool m_diskFull = false;
    runtime::Engine* m_reachable = nullptr; ///< the engine, until it ends
    std::unique_ptr<record::Recorder> m_recorder;
    std::unique_ptr<gpu::GpuCollector> m_collector; ///< listens before the engine touches a device
    std::unique_ptr<runtime::Engine> m_engine;      ///< goes before: what it emits at its end is recorded
    std::unique_ptr<gpu::GpuCounters> m_counters;   ///< goes first: it reads the engine's device
};

} // namespace moescope::app
