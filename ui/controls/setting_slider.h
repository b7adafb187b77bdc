#pragma once
#include "ui/slider_scale.h"
#include "ui/theme.h"

#include <QWidget>

class QHBoxLayout;
class QSlider;

namespace moescope::ui {

class LiveLabel;

/// One knob: title and value, a slider, and below it the price, the limit, or why it cannot act. Child of ControlsPanel.
class SettingSlider : public QWidget {
    Q_OBJECT
public:
    SettingSlider(const QString& title, const Theme& theme, const QString& hue, QWidget* parent = nullptr);

    void addChoice(QWidget* choice); ///< beside the title: the policy that the slider belongs to
    void setScale(const SliderScale& scale);
    void setValue(double value, const QString& text); ///< shows; does not emit
    void setPrice(const QString& text);
    /// A second line below the price; takes no room while it is empty.
    void setNote(const QString& text);
    /// A slider that cannot act says why in place of its price, where there is more to say than the panel's caption does.
    void setBlocked(bool blocked, const QString& reason = {});
    double value() const;
    QSlider& slider() const { return *m_slider; }
    QString shownPrice() const;
    QString shownNote() const;
    QString shownValue() const;

Q_SIGNALS:
    /// The user moved it; `settled` when the hand is off.
    void moved(double value, bool settled);

private:
    SliderScale m_scale;
    QHBoxLayout* m_head = nullptr;
    LiveLabel* m_value = nullptr;
    QSlider* m_slider = nullptr;
    LiveLabel* m_price = nullptr;
    LiveLabel* m_note = nullptr;
    QString m_reason;
    int m_choices = 0;
};

} // namespace moescope::ui
