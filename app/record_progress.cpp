#include "app/record_progress.h"

#include "app/console.h"

#include <unistd.h>

namespace moescope::app {

bool RecordProgress::wanted() {
    return isatty(STDERR_FILENO) == 1 && isatty(STDOUT_FILENO) != 1;
}

void RecordProgress::token(int tokens, trace::TimeNs at) {
    if (!m_shown)
        return;
    if (m_firstAt < 0) {
        m_firstAt = at;
        m_firstTokens = tokens;
    }
    constexpr trace::TimeNs kRedraw = 100'000'000;
    if (m_open && at - m_drawnAt < kRedraw)
        return;
    m_drawnAt = at;
    m_open = true;
    const double seconds = static_cast<double>(at - m_firstAt) / 1e9;
    const double speed = seconds > 0 ? (tokens - m_firstTokens) / seconds : 0;
    say("\r{} tokens, {:.1f} tokens/s ", tokens, speed);
}

void RecordProgress::endLine() {
    if (m_open)
        say("\n");
    m_open = false;
    m_firstAt = -1;
}

} // namespace moescope::app
