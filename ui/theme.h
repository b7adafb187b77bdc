#pragma once
#include <QColor>
#include <QFont>
#include <QObject>
#include <QString>
#include <vector>

class QApplication;

namespace moescope::ui {

/// The one place that owns colours, fonts and spacing (design: visual.md). No literal colour anywhere else.
class Theme : public QObject {
    Q_OBJECT
public:
    enum class Mode { System, Light, Dark };
    enum class Role {
        Window,
        Panel,
        Inset,
        Ink,
        Muted,
        Line, // surfaces
        Demand,
        PrefetchUsed,
        PrefetchWasted,
        Allocation,
        Other, // transfers
        ResidentHigh,
        ResidentLow,
        Loading,
        Compute,
        SettingMarker, // states
        Attention,
        Router,
        Experts,
        Stall,
        Good,
        Warning,
        Accent,
    };

    explicit Theme(QApplication& application);

    Mode mode() const { return m_mode; }
    bool dark() const { return m_dark; }
    void setMode(Mode mode);

    QColor colour(Role role) const;
    /// Viridis, 0..1.
    static QColor magnitude(double value);
    /// Blue-white-orange, -1..1, zero in the middle.
    static QColor difference(double value);
    /// Layer colours along a sequential map.
    QColor layer(int index, int count) const;
    QFont figures() const; ///< tabular digits
    QFont caption() const; ///< 10-11 px
    QFont body() const;    ///< 12-13 px
    static constexpr int kGrid = 8;

Q_SIGNALS:
    void changed();

private:
    void apply();
    void findFonts();
    QApplication& m_application;
    QFont m_figures;
    QFont m_caption;
    QFont m_body;
    Mode m_mode = Mode::System;
    bool m_dark = true;
    bool m_systemDark = false;
};

} // namespace moescope::ui
