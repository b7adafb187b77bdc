#include "ui/plot/plot_gestures.h"

#include <algorithm>
#include <cmath>

namespace moescope::ui {
namespace {
constexpr double kZoomPerNotch = 0.8;
constexpr double kPanShare = 0.1;
constexpr double kDragThreshold = 4;
} // namespace

PlotGestures::PlotGestures(QCustomPlot& plot) : QObject(&plot), m_plot(plot) {
    plot.setInteractions(QCP::Interactions());
    plot.setMouseTracking(true);
    plot.setFocusPolicy(Qt::StrongFocus);
    plot.installEventFilter(this);
}

void PlotGestures::setAxes(QCPAxis* horizontal, QCPAxis* vertical) {
    m_horizontal = horizontal;
    m_vertical = vertical;
}

void PlotGestures::setHorizontalLimits(const QCPRange& limits, double minimumSize) {
    m_horizontalLimits = {limits, minimumSize, true};
}

void PlotGestures::setVerticalLimits(const QCPRange& limits, double minimumSize) {
    m_verticalLimits = {limits, minimumSize, true};
}

bool PlotGestures::eventFilter(QObject* watched, QEvent* event) {
    switch (event->type()) {
    case QEvent::MouseButtonPress:
        return press(*static_cast<QMouseEvent*>(event));
    case QEvent::MouseMove:
        return move(*static_cast<QMouseEvent*>(event));
    case QEvent::MouseButtonRelease:
        return release(*static_cast<QMouseEvent*>(event));
    case QEvent::MouseButtonDblClick:
        Q_EMIT resetRequested();
        return true;
    case QEvent::Wheel:
        return wheel(*static_cast<QWheelEvent*>(event));
    case QEvent::KeyPress:
        return key(*static_cast<QKeyEvent*>(event));
    case QEvent::Enter:
        m_inside = true;
        break;
    case QEvent::Leave:
        m_inside = false;
        Q_EMIT left();
        break;
    default:
        break;
    }
    return QObject::eventFilter(watched, event);
}

bool PlotGestures::press(const QMouseEvent& event) {
    if (event.button() != Qt::LeftButton)
        return false;
    m_plot.setFocus(Qt::MouseFocusReason);
    m_pressed = m_last = event.position();
    if (event.modifiers().testFlag(Qt::ShiftModifier) && m_horizontal != nullptr)
        m_drag = Drag::Range;
    else if (m_grabTest && m_grabTest(event.position()))
        m_drag = Drag::Grab;
    else
        m_drag = Drag::Pressed;
    return true;
}

bool PlotGestures::move(const QMouseEvent& event) {
    m_inside = true; // an Enter may have gone to a label above
    const QPointF at = event.position();
    const QPointF step = at - m_last;
    if (m_drag == Drag::Pressed && (at - m_pressed).manhattanLength() >= kDragThreshold)
        m_drag = Drag::Pan;
    m_last = at;
    switch (m_drag) {
    case Drag::Pan:
        panBy(step);
        break;
    case Drag::Range:
        emitRange(false);
        break;
    case Drag::Grab:
        Q_EMIT grabMoved(at);
        break;
    case Drag::None:
    case Drag::Pressed:
        Q_EMIT hovered(at);
        break;
    }
    return true;
}

bool PlotGestures::release(const QMouseEvent& event) {
    if (event.button() != Qt::LeftButton)
        return false;
    const Drag drag = m_drag;
    m_drag = Drag::None;
    m_last = event.position();
    if (drag == Drag::Pressed)
        Q_EMIT clicked(event.position());
    else if (drag == Drag::Range)
        emitRange(true);
    else if (drag == Drag::Grab)
        Q_EMIT grabReleased(event.position());
    return true;
}

bool PlotGestures::wheel(const QWheelEvent& event) {
    const QPoint turn = event.angleDelta();
    if (turn.x() != 0 && std::abs(turn.x()) > std::abs(turn.y())) {
        panBy(QPointF(turn.x() / 2.0, 0));
        return true;
    }
    if (turn.y() != 0)
        zoom(std::pow(kZoomPerNotch, turn.y() / 120.0), event.position());
    return true;
}

bool PlotGestures::key(const QKeyEvent& event) {
    const auto arrow = [&](int dx, int dy) {
        if (m_arrowsStep && !event.modifiers().testFlag(Qt::ControlModifier))
            Q_EMIT stepped(dx, dy);
        else
            panKeys(dx, dy);
        return true;
    };
    switch (event.key()) {
    case Qt::Key_Left:
        return arrow(-1, 0);
    case Qt::Key_Right:
        return arrow(1, 0);
    case Qt::Key_Up:
        return arrow(0, -1);
    case Qt::Key_Down:
        return arrow(0, 1);
    case Qt::Key_Plus:
    case Qt::Key_Equal:
        zoom(kZoomPerNotch, m_inside ? m_last : centre());
        return true;
    case Qt::Key_Minus:
        zoom(1 / kZoomPerNotch, m_inside ? m_last : centre());
        return true;
    case Qt::Key_Home:
    case Qt::Key_0:
        Q_EMIT resetRequested();
        return true;
    case Qt::Key_Return:
    case Qt::Key_Enter:
    case Qt::Key_Space:
        Q_EMIT activated();
        return true;
    case Qt::Key_Escape:
        Q_EMIT escaped();
        return true;
    default:
        return false;
    }
}

void PlotGestures::zoom(double factor, const QPointF& at) {
    const auto scaled = [&](QCPAxis& axis, double pixel) {
        const double fixed = axis.pixelToCoord(pixel);
        const QCPRange now = axis.range();
        return QCPRange(fixed - (fixed - now.lower) * factor, fixed + (now.upper - fixed) * factor);
    };
    if (m_horizontal != nullptr)
        setRange(*m_horizontal, scaled(*m_horizontal, at.x()), m_horizontalLimits);
    if (m_vertical != nullptr)
        setRange(*m_vertical, scaled(*m_vertical, at.y()), m_verticalLimits);
    if (m_horizontal != nullptr || m_vertical != nullptr)
        Q_EMIT viewChanged();
}

void PlotGestures::panBy(const QPointF& pixels) {
    const auto moved = [](QCPAxis& axis, double distance) {
        const double by = axis.pixelToCoord(0) - axis.pixelToCoord(distance);
        return QCPRange(axis.range().lower + by, axis.range().upper + by);
    };
    if (m_horizontal != nullptr)
        setRange(*m_horizontal, moved(*m_horizontal, pixels.x()), m_horizontalLimits);
    if (m_vertical != nullptr)
        setRange(*m_vertical, moved(*m_vertical, pixels.y()), m_verticalLimits);
    if (m_horizontal != nullptr || m_vertical != nullptr)
        Q_EMIT viewChanged();
}

void PlotGestures::panKeys(int dx, int dy) {
    panBy(QPointF(-dx * kPanShare * m_plot.width(), -dy * kPanShare * m_plot.height()));
}

void PlotGestures::setRange(QCPAxis& axis, QCPRange range, const Limits& limits) {
    if (limits.set) {
        const double widest = limits.range.size();
        if (widest <= 0)
            return;
        const double least = std::min(limits.minimumSize, widest);
        const double size = std::clamp(range.size(), least, widest);
        if (size != range.size() && size == least && axis.range().size() <= least)
            return;
        const double lower = std::clamp(range.center() - size / 2, limits.range.lower, limits.range.upper - size);
        range = QCPRange(lower, lower + size);
    }
    axis.setRange(range);
}

void PlotGestures::emitRange(bool finished) {
    const double from = m_horizontal->pixelToCoord(m_pressed.x());
    const double to = m_horizontal->pixelToCoord(m_last.x());
    const double begin = std::min(from, to);
    const double end = std::max(from, to);
    if (finished)
        Q_EMIT rangeSelected(begin, end);
    else
        Q_EMIT rangeDragged(begin, end);
}

QPointF PlotGestures::centre() const {
    if (m_horizontal == nullptr)
        return QRectF(m_plot.rect()).center();
    return QRectF(m_horizontal->axisRect()->rect()).center();
}

} // namespace moescope::ui
