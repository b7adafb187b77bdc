#pragma once
#include "app/run.h"
#include "app/serve_pipe.h"

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>

namespace moescope::app {

/// The engine's side of the pipe: commands that must act at once (stop, set, pause, relocate) run on the reader's thread, those
/// that build or use the engine (load, prompt, new_session) wait for the engine's thread. One run at a time.
/// read() is called on one thread, work() on another; both return after quit or the end of the input.
class ServeLoop {
public:
    ServeLoop(LineReader& input, MessageWriter& output, gpu::TraceLevel traceLevel, bool pmSampling)
        : m_input(input), m_output(output), m_traceLevel(traceLevel), m_pmSampling(pmSampling) {}

    /// Reads commands until quit or the end of the input.
    void read();
    /// Owns the run. Returns 0, or 1 if the session could not be finished.
    int work();
    /// Any thread: as if quit had been sent.
    void quit();

private:
    void take(const Request& request);
    void dispatch(const Request& request);
    void stop(std::int64_t id);
    void set(std::int64_t id, const SetCommand& command);
    void setGateTarget(std::int64_t id, Run& run, const std::string& value);
    void setPaused(std::int64_t id, bool paused);
    void relocate(std::int64_t id, const RelocateCommand& command);
    void enqueue(const Request& request);
    void hello(std::int64_t id);

    std::shared_ptr<Run> present();
    bool serveOne();
    void refuseQueued();
    void token();
    void perform(const Request& request);
    void load(std::int64_t id, const LoadCommand& command);
    void begin(std::int64_t id);
    void newSession(std::int64_t id, const NewSessionCommand& command);
    void prompt(const PromptCommand& command);
    std::string endRun();
    void trouble(const std::string& reason);

    LineReader& m_input;
    MessageWriter& m_output;
    const gpu::TraceLevel m_traceLevel;
    const bool m_pmSampling;
    LoadCommand m_loaded; ///< engine's thread: how the present run was made

    std::mutex m_mutex; ///< guards everything below
    std::condition_variable m_arrived;
    std::deque<Request> m_queue;
    std::shared_ptr<Run> m_run;
    bool m_quit = false;
    bool m_working = false;    ///< the engine's thread is at a command
    bool m_prompted = false;   ///< a prompt was accepted and has not ended
    bool m_stopWanted = false; ///< for the accepted prompt
};

} // namespace moescope::app
