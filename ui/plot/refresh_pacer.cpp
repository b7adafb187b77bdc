#include "ui/plot/refresh_pacer.h"

#include <QEvent>
#include <QWidget>
#include <algorithm>

namespace moescope::ui {
namespace {
constexpr double kPausePerCost = 3.0; // work at most a quarter of the time
} // namespace

RefreshPacer::RefreshPacer(QWidget& widget, qint64 frameMs) : QObject(&widget), m_widget(widget), m_frameMs(frameMs) {
    m_timer.setSingleShot(true);
    m_timer.setTimerType(Qt::PreciseTimer);
    connect(&m_timer, &QTimer::timeout, this, &RefreshPacer::work);
    m_clock.start();
    widget.installEventFilter(this);
}

void RefreshPacer::markStale() {
    m_stale = true;
    if (m_widget.isVisible() && !m_timer.isActive())
        schedule(static_cast<int>(std::max<qint64>(0, m_nextAllowedMs - m_clock.elapsed())));
}

void RefreshPacer::markStaleNow() {
    m_stale = true;
    if (m_widget.isVisible())
        schedule(0);
}

void RefreshPacer::schedule(int pauseMs) {
    m_timer.start(pauseMs);
}

void RefreshPacer::work() {
    if (!m_stale || !m_widget.isVisible())
        return;
    m_stale = false;
    const qint64 beganMs = m_clock.elapsed();
    QElapsedTimer cost;
    cost.start();
    Q_EMIT due();
    ++m_rounds;
    m_lastCostMs = static_cast<double>(cost.nsecsElapsed()) / 1e6;
    m_nextAllowedMs = beganMs + std::max(m_frameMs, static_cast<qint64>(m_lastCostMs * (1 + kPausePerCost)));
}

bool RefreshPacer::eventFilter(QObject* watched, QEvent* event) {
    if (watched == &m_widget && event->type() == QEvent::Show && m_stale)
        schedule(0);
    return QObject::eventFilter(watched, event);
}

} // namespace moescope::ui
