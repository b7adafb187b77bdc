#pragma once
#include <QElapsedTimer>
#include <QObject>
#include <QTimer>

class QWidget;

namespace moescope::ui {

/// Decides when a widget works: only while it is visible, only after something changed, at most once in `frameMs`, and never
/// more than a quarter of the time, so that a decoding engine keeps its cores. Child of the widget it paces; GUI thread.
class RefreshPacer : public QObject {
    Q_OBJECT
public:
    static constexpr qint64 kPlotFrameMs = 28;  ///< under the time between two snapshots, so that none is left out
    static constexpr qint64 kTextFrameMs = 200; ///< figures that change faster cannot be read

    explicit RefreshPacer(QWidget& widget, qint64 frameMs = kPlotFrameMs);

    /// Something that the widget shows changed; due() follows.
    void markStale();
    /// As markStale(), for something the user did: no pause before it.
    void markStaleNow();
    /// Milliseconds that the last due() took, slots and paints included.
    double lastCostMs() const { return m_lastCostMs; }
    std::int64_t rounds() const { return m_rounds; }
    /// Whether a due() is still to come.
    bool waiting() const { return m_timer.isActive(); }

Q_SIGNALS:
    void due();

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    void schedule(int pauseMs);
    void work();

    QWidget& m_widget;
    QTimer m_timer;
    QElapsedTimer m_clock;
    qint64 m_frameMs;
    qint64 m_nextAllowedMs = 0;
    double m_lastCostMs = 0;
    std::int64_t m_rounds = 0;
    bool m_stale = false;
};

} // namespace moescope::ui
