#include "ui/theme.h"

#include "ui/stylesheet.h"

#include <QApplication>
#include <QFontDatabase>
#include <QPalette>
#include <QProxyStyle>
#include <QStyleFactory>
#include <algorithm>
#include <array>
#include <cmath>
#include <span>

namespace moescope::ui {

namespace {

struct Shade {
    QRgb dark;
    QRgb light;
};

// Okabe-Ito hues (visual.md): the same meaning in both modes, so most entries are equal.
Shade shadeOf(Theme::Role role) {
    using Role = Theme::Role;
    switch (role) {
    case Role::Window:
        return {0x15171B, 0xF3F4F6};
    case Role::Panel:
        return {0x1D2026, 0xFFFFFF};
    case Role::Inset:
        return {0x262A31, 0xF0F1F4};
    case Role::Ink:
        return {0xE6E8EB, 0x1B1F24};
    case Role::Muted:
        return {0x9AA1AB, 0x5D6670};
    case Role::Line:
        return {0x343941, 0xD7DBE0};
    case Role::Demand:
        return {0xD55E00, 0xD55E00};
    case Role::PrefetchUsed:
        return {0x009E73, 0x009E73};
    case Role::PrefetchWasted:
        return {0xCC79A7, 0xCC79A7};
    case Role::Allocation:
        return {0x56B4E9, 0x56B4E9};
    case Role::Other:
        return {0x8B9098, 0x8B9098};
    case Role::ResidentHigh:
        return {0x2F8FD0, 0x2F8FD0};
    case Role::ResidentLow:
        return {0x7FC4A8, 0x7FC4A8};
    case Role::Loading:
        return {0xE69F00, 0xE69F00};
    case Role::Compute:
        return {0x6C8EBF, 0x6C8EBF};
    case Role::SettingMarker:
        return {0xF0E442, 0x8A7A00};
    case Role::Attention:
        return {0x6C8EBF, 0x6C8EBF};
    case Role::Router:
        return {0x93ABD3, 0x93ABD3};
    case Role::Experts:
        return {0x4A77B4, 0x4A77B4};
    case Role::Stall:
        return {0xD55E00, 0xD55E00};
    case Role::Good:
        return {0x009E73, 0x009E73};
    case Role::Warning:
        return {0xE69F00, 0xE69F00};
    case Role::Accent:
        return {0x2F8FD0, 0x2F8FD0};
    }
    return {0xFF00FF, 0xFF00FF};
}

/// Piecewise linear through evenly spaced anchors; position 0..1.
QColor along(std::span<const QRgb> anchors, double position) {
    const double last = static_cast<double>(anchors.size() - 1);
    const double place = std::clamp(std::isfinite(position) ? position : 0.0, 0.0, 1.0) * last;
    const auto index = std::min(static_cast<std::size_t>(place), anchors.size() - 2);
    const double share = place - static_cast<double>(index);
    const QColor a(anchors[index]);
    const QColor b(anchors[index + 1]);
    const auto mix = [share](int from, int to) { return static_cast<int>(std::lround(from + (to - from) * share)); };
    return QColor(mix(a.red(), b.red()), mix(a.green(), b.green()), mix(a.blue(), b.blue()));
}

QFont withFamilies(const QStringList& wanted, const QFont& fallback) {
    QFont font = fallback;
    for (const QString& family : wanted) {
        if (QFontDatabase::hasFamily(family)) {
            font.setFamily(family);
            break;
        }
    }
    return font;
}

QPalette paletteOf(const Theme& theme) {
    using Role = Theme::Role;
    QPalette palette;
    palette.setColor(QPalette::Window, theme.colour(Role::Window));
    palette.setColor(QPalette::WindowText, theme.colour(Role::Ink));
    palette.setColor(QPalette::Base, theme.colour(Role::Panel));
    palette.setColor(QPalette::AlternateBase, theme.colour(Role::Inset));
    palette.setColor(QPalette::Text, theme.colour(Role::Ink));
    palette.setColor(QPalette::Button, theme.colour(Role::Inset));
    palette.setColor(QPalette::ButtonText, theme.colour(Role::Ink));
    palette.setColor(QPalette::BrightText, theme.colour(Role::Ink));
    palette.setColor(QPalette::ToolTipBase, theme.colour(Role::Inset));
    palette.setColor(QPalette::ToolTipText, theme.colour(Role::Ink));
    palette.setColor(QPalette::PlaceholderText, theme.colour(Role::Muted));
    palette.setColor(QPalette::Highlight, theme.colour(Role::Accent));
    palette.setColor(QPalette::HighlightedText, theme.dark() ? theme.colour(Role::Window) : theme.colour(Role::Panel));
    palette.setColor(QPalette::Link, theme.colour(Role::Accent));
    palette.setColor(QPalette::Mid, theme.colour(Role::Line));
    for (const auto role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText})
        palette.setColor(QPalette::Disabled, role, theme.colour(Role::Muted));
    return palette;
}

/// Fusion without underlined letters in the menu bar: the keys still work.
class QuietStyle : public QProxyStyle {
public:
    QuietStyle() : QProxyStyle(QStyleFactory::create(QStringLiteral("Fusion"))) {}
    int styleHint(StyleHint hint, const QStyleOption* option, const QWidget* widget, QStyleHintReturn* result) const override {
        return hint == SH_UnderlineShortcut ? 0 : QProxyStyle::styleHint(hint, option, widget, result);
    }
};

} // namespace

Theme::Theme(QApplication& application) : m_application(application) {
    // Qt 6.4 has no colour scheme hint: what the platform's own palette says before ours covers it is all there is to ask.
    m_systemDark = QApplication::palette().color(QPalette::Window).lightness() < 128;
    m_dark = m_systemDark;
    m_application.setStyle(new QuietStyle);
    findFonts();
    apply();
}

void Theme::setMode(Mode mode) {
    m_mode = mode;
    const bool dark = mode == Mode::Dark || (mode == Mode::System && m_systemDark);
    if (dark == m_dark)
        return;
    m_dark = dark;
    apply();
    Q_EMIT changed();
}

QColor Theme::colour(Role role) const {
    const Shade shade = shadeOf(role);
    return QColor(m_dark ? shade.dark : shade.light);
}

QColor Theme::magnitude(double value) {
    static constexpr std::array<QRgb, 9> kViridis = {0x440154, 0x472D7B, 0x3B528B, 0x2C728E, 0x21918C,
                                                     0x28AE80, 0x5EC962, 0xADDC30, 0xFDE725};
    return along(kViridis, value);
}

QColor Theme::difference(double value) {
    static constexpr std::array<QRgb, 5> kDiverging = {0x0072B2, 0x7FB8DA, 0xF7F7F7, 0xEBAB75, 0xD55E00};
    return along(kDiverging, (value + 1) / 2);
}

QColor Theme::layer(int index, int count) const {
    // The ends of the map are too close to the panel in one of the modes.
    return magnitude(count > 1 ? 0.22 + 0.63 * index / (count - 1) : 0.5);
}

QFont Theme::figures() const {
    return m_figures;
}

QFont Theme::caption() const {
    return m_caption;
}

QFont Theme::body() const {
    return m_body;
}

// Once, because asking for a family goes through fontconfig, and painting asks for fonts thousands of times a second.
void Theme::findFonts() {
    // Qt 6.4 cannot switch a font's digits to tabular ones, so figures that must not jump use a fixed-width font.
    m_figures = withFamilies({QStringLiteral("JetBrains Mono"), QStringLiteral("DejaVu Sans Mono")},
                             QFontDatabase::systemFont(QFontDatabase::FixedFont));
    m_figures.setStyleHint(QFont::Monospace);
    m_figures.setPixelSize(12);
    m_body = withFamilies({QStringLiteral("Inter")}, QFontDatabase::systemFont(QFontDatabase::GeneralFont));
    m_body.setPixelSize(13);
    m_caption = m_body;
    m_caption.setPixelSize(11);
}

void Theme::apply() {
    m_application.setPalette(paletteOf(*this));
    m_application.setFont(body());
    m_application.setStyleSheet(stylesheet(*this));
}

} // namespace moescope::ui
