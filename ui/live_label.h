#pragma once
#include "ui/theme.h"

#include <QWidget>
#include <optional>

namespace moescope::ui {

/// Text that changes many times a second. A change repaints the label and nothing else; a QLabel would have the whole window
/// laid out anew. Any widget's child; GUI thread.
class LiveLabel : public QWidget {
    Q_OBJECT
public:
    enum class Fit {
        Grow,  ///< as wide as its widest text so far
        Elide, ///< takes the width it is given; what does not fit ends in "…" and is the tool tip
    };
    LiveLabel(const Theme& theme, Theme::Role role, const QFont& font, Fit fit, QWidget* parent = nullptr);

    void setText(const QString& text);
    const QString& text() const { return m_text; }
    void setAlignment(Qt::Alignment alignment) { m_alignment = alignment; }
    /// A disc before the text.
    void setDot(Theme::Role role);

    QSize sizeHint() const override;
    QSize minimumSizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    int dotWidth() const;

    const Theme& m_theme;
    Theme::Role m_role;
    Fit m_fit;
    QString m_text;
    Qt::Alignment m_alignment = Qt::AlignLeft | Qt::AlignVCenter;
    std::optional<Theme::Role> m_dot;
    int m_widest = 0;
};

} // namespace moescope::ui
