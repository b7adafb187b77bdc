#pragma once
#include "engine/runtime/settings.h"

#include <condition_variable>
#include <mutex>
#include <vector>

namespace moescope::runtime {

/// Where other threads leave wishes for the engine: settings, stop, pause. Every function is thread-safe.
class ControlInbox {
public:
    explicit ControlInbox(Settings initial) : m_target(std::move(initial)) {}

    /// Settings as they will be once everything posted was taken.
    Settings target() const;
    /// Replaces the target if `check` accepts the changed settings; what it throws goes to the caller, nothing is changed then.
    template <class Check>
    void post(std::string_view name, std::string_view value, Check check) {
        const std::lock_guard lock(m_mutex);
        Settings wanted = m_target;
        setSetting(wanted, name, value);
        check(wanted);
        m_steps.push_back(wanted);
        m_target = std::move(wanted);
    }
    /// One Settings per post since the last call, in order.
    std::vector<Settings> take();

    void stop();
    bool stopRequested() const;
    void clearStop();
    void setPaused(bool paused);
    /// Returns when nobody wants a pause, or when a stop is requested.
    void waitWhilePaused() const;

private:
    mutable std::mutex m_mutex; ///< guards everything
    mutable std::condition_variable m_changed;
    Settings m_target;
    std::vector<Settings> m_steps;
    bool m_stop = false;
    bool m_paused = false;
};

} // namespace moescope::runtime
