#pragma once
#include "ui/engine_state.h"
#include "ui/session_feed.h"
#include "ui/theme.h"

#include <QFrame>
#include <array>

class QTimer;

namespace moescope::ui {

class LiveLabel;

/// The line at the foot of the window that is always true: where the figures come from and the few that matter. Child of the
/// main window; GUI thread.
class StatusLine : public QFrame {
    Q_OBJECT
public:
    StatusLine(SessionFeed& feed, const Theme& theme, QWidget* parent = nullptr);

    void setEngine(const EngineState& state);
    /// The session that the engine writes now; what is shown may be another.
    void setLiveSession(const QString& path);
    QString text() const; ///< the fields, as read from left to right

private:
    enum Field { Source, Speed, Hits, Link, Overlap, Stall, Tracer, Losses, Memory, DeviceMemory, Size, Engine, FieldCount };
    void refresh();
    void refreshSize();
    void put(Field field, const QString& text, const QString& tip = {});
    void paintSource(const analysis::Snapshot& snapshot);

    SessionFeed& m_feed;
    const Theme& m_theme;
    EngineState m_engine;
    QString m_liveSession;
    QString m_sizeOf; ///< the file whose size is shown
    std::array<LiveLabel*, FieldCount> m_fields{};
    QTimer* m_sizeTimer = nullptr;
};

/// Tokens a second over the last tokens of the running answer, or of the last answer; 0 without one.
double recentTokensPerSecond(const analysis::Snapshot& snapshot);

} // namespace moescope::ui
