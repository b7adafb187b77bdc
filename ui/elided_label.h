#pragma once
#include <QLabel>

namespace moescope::ui {

/// A label that gives way: takes what width there is and ends in "…", with the whole text as its tool tip.
class ElidedLabel : public QLabel {
    Q_OBJECT
public:
    using QLabel::QLabel;

    QSize minimumSizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;
};

} // namespace moescope::ui
