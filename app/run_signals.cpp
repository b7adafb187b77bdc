#include "app/run_signals.h"

#include <csignal>
#include <ctime>

namespace moescope::app {
namespace {

sigset_t stopSet() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    return set;
}

} // namespace

StopSignals::StopSignals(std::function<void()> onStop) : m_onStop(std::move(onStop)) {
    const sigset_t set = stopSet();
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    m_thread = std::jthread([this](const std::stop_token& token) { watch(token); });
}

StopSignals::~StopSignals() {
    m_thread.request_stop();
    m_thread.join();
    const sigset_t set = stopSet();
    pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void StopSignals::watch(const std::stop_token& token) {
    const sigset_t set = stopSet();
    constexpr timespec kTick{0, 50'000'000};
    while (!token.stop_requested()) {
        if (sigtimedwait(&set, nullptr, &kTick) < 0)
            continue;
        m_onStop();
        // Whoever asks twice does not want to wait for the end of a token.
        pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
    }
}

} // namespace moescope::app
