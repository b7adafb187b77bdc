#pragma once
#include "engine/trace/ids.h"

namespace moescope::app {

/// One line on stderr that counts tokens. Owned by a recording; the engine's thread.
class RecordProgress {
public:
    explicit RecordProgress(bool shown) : m_shown(shown) {}
    static bool wanted(); ///< stderr is a terminal
    void token(int tokens, trace::TimeNs at);
    void endLine();

private:
    bool m_shown;
    bool m_open = false;
    int m_firstTokens = 0;
    trace::TimeNs m_firstAt = -1;
    trace::TimeNs m_drawnAt = 0;
};

} // namespace moescope::app
