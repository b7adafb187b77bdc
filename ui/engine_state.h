#pragma once
#include <QString>

namespace moescope::ui {

/// What the window knows about the engine's process; app tells it.
struct EngineState {
    enum class Phase { None, Starting, Ready, Ended };
    Phase phase = Phase::None;
    qint64 pid = 0;
    QString text; ///< a few words: "starting", "loading tales-moe", "ready", "ended"
};

} // namespace moescope::ui
