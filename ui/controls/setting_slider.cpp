#include "ui/controls/setting_slider.h"

#include "ui/live_label.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QSlider>

namespace moescope::ui {

SettingSlider::SettingSlider(const QString& title, const Theme& theme, const QString& hue, QWidget* parent)
    : QWidget(parent), m_head(new QHBoxLayout),
      m_value(new LiveLabel(theme, Theme::Role::Ink, theme.figures(), LiveLabel::Fit::Grow, this)),
      m_slider(new QSlider(Qt::Horizontal, this)),
      m_price(new LiveLabel(theme, Theme::Role::Muted, theme.caption(), LiveLabel::Fit::Elide, this)),
      m_note(new LiveLabel(theme, Theme::Role::Muted, theme.caption(), LiveLabel::Fit::Elide, this)) {
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(1);
    auto* name = new QLabel(title, this);
    name->setBuddy(m_slider);
    m_head->setSpacing(6);
    m_head->addWidget(name);
    m_head->addStretch(1);
    m_head->addWidget(m_value);
    m_slider->setRange(0, SliderScale::kSteps);
    m_slider->setPageStep(SliderScale::kSteps / 20);
    m_slider->setSingleStep(SliderScale::kSteps / 100);
    m_slider->setProperty("hue", hue);
    m_slider->setAccessibleName(title);
    column->addLayout(m_head);
    column->addWidget(m_slider);
    column->addWidget(m_price);
    column->addWidget(m_note);
    m_note->hide();
    connect(m_slider, &QSlider::valueChanged, this, [this] { Q_EMIT moved(value(), !m_slider->isSliderDown()); });
    connect(m_slider, &QSlider::sliderReleased, this, [this] { Q_EMIT moved(value(), true); });
}

void SettingSlider::addChoice(QWidget* choice) {
    m_head->insertWidget(++m_choices, choice);
}

void SettingSlider::setScale(const SliderScale& scale) {
    m_scale = scale;
}

void SettingSlider::setValue(double value, const QString& text) {
    m_value->setText(text);
    if (m_slider->isSliderDown())
        return; // never pull the handle from under the hand
    const QSignalBlocker quiet(m_slider);
    m_slider->setValue(m_scale.positionOf(value));
}

void SettingSlider::setPrice(const QString& text) {
    if (m_reason.isEmpty())
        m_price->setText(text);
}

void SettingSlider::setNote(const QString& text) {
    m_note->setText(text);
    if (m_note->isHidden() != text.isEmpty())
        m_note->setVisible(!text.isEmpty());
}

void SettingSlider::setBlocked(bool blocked, const QString& reason) {
    m_reason = reason;
    m_slider->setEnabled(!blocked);
    if (!reason.isEmpty())
        m_price->setText(reason);
}

double SettingSlider::value() const {
    return m_scale.valueAt(m_slider->value());
}

QString SettingSlider::shownPrice() const {
    return m_price->text();
}

QString SettingSlider::shownNote() const {
    return m_note->text();
}

QString SettingSlider::shownValue() const {
    return m_value->text();
}

} // namespace moescope::ui
