#pragma once
#include <functional>
#include <thread>

namespace moescope::app {

/// Turns Ctrl-C and SIGTERM into a call on a thread of its own. Build it before any other thread, so that no thread takes the
/// signal the ordinary way. A second signal ends the program at once. Not a singleton, but one at a time makes sense.
class StopSignals {
public:
    explicit StopSignals(std::function<void()> onStop);
    ~StopSignals();
    StopSignals(const StopSignals&) = delete;
    StopSignals& operator=(const StopSignals&) = delete;

private:
    void watch(const std::stop_token& token);
    std::function<void()> m_onStop;
    std::jthread m_thread;
};

} // namespace moescope::app
