#pragma once
#include "ui/plot/custom_plot.h"

#include <functional>

namespace moescope::ui {

/// The gestures that all plots share: wheel zooms at the cursor, drag pans, shift-drag selects a range, double-click resets,
/// arrow keys step or pan, + and - zoom. Watches one QCustomPlot, which owns it; GUI thread.
class PlotGestures : public QObject {
    Q_OBJECT
public:
    explicit PlotGestures(QCustomPlot& plot);

    /// What wheel and drag act on; null = that direction does not move.
    void setAxes(QCPAxis* horizontal, QCPAxis* vertical);
    /// The view is kept inside; the narrowest view is minimumSize wide.
    void setHorizontalLimits(const QCPRange& limits, double minimumSize);
    void setVerticalLimits(const QCPRange& limits, double minimumSize);
    /// Arrow keys Q_EMIT stepped() instead of panning.
    void setArrowsStep(bool step) { m_arrowsStep = step; }
    /// A press for which this is true drags a thing of the panel instead of the view: grabMoved() until released.
    void setGrabTest(std::function<bool(const QPointF&)> test) { m_grabTest = std::move(test); }
    bool dragging() const { return m_drag != Drag::None; }
    bool pointerInside() const { return m_inside; }
    void zoom(double factor, const QPointF& at);

Q_SIGNALS:
    void hovered(const QPointF& at);
    void left();
    void clicked(const QPointF& at);
    void rangeDragged(double begin, double end); ///< while shift-dragging, axis units, begin <= end
    void rangeSelected(double begin, double end);
    void grabMoved(const QPointF& at);
    void grabReleased(const QPointF& at);
    void viewChanged(); ///< the user zoomed or panned
    void resetRequested();
    void stepped(int dx, int dy);
    void activated(); ///< Return or Space
    void escaped();

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    enum class Drag { None, Pressed, Pan, Range, Grab };
    struct Limits {
        QCPRange range;
        double minimumSize = 0;
        bool set = false;
    };

    bool press(const QMouseEvent& event);
    bool move(const QMouseEvent& event);
    bool release(const QMouseEvent& event);
    bool wheel(const QWheelEvent& event);
    bool key(const QKeyEvent& event);
    void panBy(const QPointF& pixels);
    void panKeys(int dx, int dy);
    void setRange(QCPAxis& axis, QCPRange range, const Limits& limits);
    void emitRange(bool finished);
    QPointF centre() const;

    QCustomPlot& m_plot;
    QCPAxis* m_horizontal = nullptr;
    QCPAxis* m_vertical = nullptr;
    Limits m_horizontalLimits;
    Limits m_verticalLimits;
    std::function<bool(const QPointF&)> m_grabTest;
    Drag m_drag = Drag::None;
    QPointF m_pressed;
    QPointF m_last;
    bool m_arrowsStep = false;
    bool m_inside = false;
};

} // namespace moescope::ui
