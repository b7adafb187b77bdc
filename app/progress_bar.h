#pragma once
#include <chrono>
#include <string_view>

namespace moescope::app {

/// A bar on stderr with the phase and an estimate of the time left. Owned by a command; its thread.
class ProgressBar {
public:
    explicit ProgressBar(bool shown) : m_shown(shown) {}
    static bool wanted(); ///< stderr is a terminal
    /// share from 0 to 1. Drawn at most five times a second.
    void show(std::string_view phase, double share);
    void end();

private:
    bool m_shown;
    bool m_open = false;
    std::chrono::steady_clock::time_point m_began = std::chrono::steady_clock::now();
    std::chrono::steady_clock::time_point m_drawn{};
};

} // namespace moescope::app
