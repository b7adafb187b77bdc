#include "engine/runtime/control_inbox.h"

#include <utility>

namespace moescope::runtime {

Settings ControlInbox::target() const {
    const std::lock_guard lock(m_mutex);
    return m_target;
}

std::vector<Settings> ControlInbox::take() {
    const std::lock_guard lock(m_mutex);
    return std::exchange(m_steps, {});
}

void ControlInbox::stop() {
    const std::lock_guard lock(m_mutex);
    m_stop = true;
    m_changed.notify_all();
}

bool ControlInbox::stopRequested() const {
    const std::lock_guard lock(m_mutex);
    return m_stop;
}

void ControlInbox::clearStop() {
    const std::lock_guard lock(m_mutex);
    m_stop = false;
}

void ControlInbox::setPaused(bool paused) {
    const std::lock_guard lock(m_mutex);
    m_paused = paused;
    m_changed.notify_all();
}

void ControlInbox::waitWhilePaused() const {
    std::unique_lock lock(m_mutex);
    m_changed.wait(lock, [this] { return !m_paused || m_stop; });
}

} // namespace moescope::runtime
