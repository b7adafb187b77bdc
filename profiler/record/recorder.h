#pragma once
#include "engine/trace/clock.h"
#include "engine/trace/tracer.h"
#include "profiler/session/session_info.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace moescope::record {

/// Drains the producers' rings into numbered batches and writes them: one transaction per interval. Owns the drain thread,
/// the rings and the session writer. Built by app/run. Thread-safe.
class Recorder final : public trace::TracerSource {
public:
    struct Options {
        std::filesystem::path path;
        session::SessionInfo info;
        int intervalMs = 20;
        std::size_t ringBytes = 4u << 20; ///< per producer
        std::int64_t maxPages = 0;        ///< see WriteLimits
        bool sampleHost = true;
    };
    /// Called on the drain thread when writing became impossible (disk full) and again, with an empty reason, when it works
    /// again. The owner should pause the run meanwhile; rings keep what they can. It must not call the recorder from there.
    using OnTrouble = std::function<void(const std::string& reason)>;

    Recorder(Options options, const trace::Clock& clock, OnTrouble onTrouble = {});
    ~Recorder() override; ///< finishes if that was not done

    trace::Tracer& openProducer(std::string_view name) override;
    /// Drains, commits, and returns when everything emitted before the call is in the file (or throws with the reason).
    void flush();
    /// After trouble: goes on in a new file in that folder, which says which session it continues. Throws if that fails too.
    void relocate(const std::filesystem::path& folder);
    /// Drains, ends the file, and stops. Later emits are dropped silently. Returns the events lost.
    std::int64_t finish();
    std::filesystem::path path() const;
    std::int64_t eventsLost() const;

private:
    struct State;
    std::unique_ptr<State> m_state;
};

} // namespace moescope::record
