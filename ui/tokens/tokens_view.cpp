#include "ui/tokens/tokens_view.h"

#include "ui/format.h"
#include "ui/plot/cell_geometry.h"
#include "ui/plot/pass_lookup.h"
#include "ui/plot/plot_style.h"

#include <algorithm>
#include <cmath>

namespace moescope::ui {
namespace {

using Role = Theme::Role;
constexpr double kTextFrom = 26;     // pixels per bar from which texts are written under them
constexpr double kCoarseBelow = 1.5; // pixels per bar below which columns are drawn instead

} // namespace

TokenBars::TokenBars(QCPAxisRect* rect, const TokensModel& model, const Theme& theme)
    : Canvas(rect->axis(QCPAxis::atBottom), rect->axis(QCPAxis::atLeft), QStringLiteral("main"), true), m_model(model),
      m_theme(theme) {}

Role TokenBars::role(TokenPart part) {
    switch (part) {
    case TokenPart::Attention:
        return Role::Attention;
    case TokenPart::Router:
        return Role::Router;
    case TokenPart::Experts:
        return Role::Experts;
    case TokenPart::Stall:
        return Role::Stall;
    case TokenPart::Output:
        return Role::ResidentLow;
    case TokenPart::Other:
        break;
    }
    return Role::Other;
}

double TokenBars::height(trace::TimeNs time) const {
    return static_cast<double>(time) / 1e6 / valueAxis()->range().size() * area().height();
}

QRectF TokenBars::barRect(int row) const {
    const double left = keyAxis()->coordToPixel(row);
    const double width = keyAxis()->coordToPixel(row + 1) - left;
    const double gap = width > 6 ? std::min(2.0, width * 0.2) : width > 3 ? 1 : 0;
    return {left, area().top(), std::max(1.0, width - gap), area().height()};
}

int TokenBars::rowAt(double x) const {
    if (x < area().left() || x > area().right())
        return -1;
    const int row = static_cast<int>(std::floor(keyAxis()->pixelToCoord(x)));
    return row >= 0 && row < m_model.rowCount() ? row : -1;
}

void TokenBars::paint(QCPPainter& painter) {
    const QCPRange shown = keyAxis()->range();
    const int first = std::max(0, static_cast<int>(std::floor(shown.lower)));
    const int last = std::min(m_model.rowCount(), static_cast<int>(std::ceil(shown.upper)));
    if (first >= last)
        return;
    painter.setFont(m_theme.caption());
    painter.setClipRect(area().adjusted(0, -2, 0, 0));
    const double pixels = area().width() / shown.size();
    if (pixels < kCoarseBelow) {
        paintCoarse(painter, first, last);
        paintNumbers(painter, first, last, pixels);
        return;
    }
    double labelEnd = area().left();
    for (int row = first; row < last; ++row)
        paintBar(painter, row, labelEnd);
    if (pixels >= kTextFrom)
        paintTexts(painter, first, last);
    else
        paintNumbers(painter, first, last, pixels);
}

void TokenBars::paintBar(QCPPainter& painter, int row, double& labelEnd) {
    const QRectF bar = barRect(row);
    const analysis::PassRecord& pass = m_model.pass(row);
    const TokenParts parts = partsOf(pass);
    double y = area().bottom();
    for (int part = 0; part < kTokenParts; ++part) {
        const double tall = height(parts[static_cast<std::size_t>(part)]);
        if (tall <= 0)
            continue;
        const double topY = std::max(area().top(), y - tall);
        painter.fillRect(QRectF(bar.left(), topY, bar.width(), y - topY), m_theme.colour(role(static_cast<TokenPart>(part))));
        y = topY;
        if (y <= area().top())
            break;
    }
    if (pass.phase == trace::Phase::Prefill)
        painter.fillRect(QRectF(bar.left(), y, bar.width(), area().bottom() - y), hatched(m_theme.colour(Role::Panel)));
    if (height(pass.end - pass.begin) > area().height())
        paintClipped(painter, bar, pass, labelEnd);
}

void TokenBars::paintClipped(QCPPainter& painter, const QRectF& bar, const analysis::PassRecord& pass, double& labelEnd) {
    // A zigzag break near the top says that the bar goes on.
    const double y = area().top() + 9;
    QPolygonF zigzag;
    const double step = std::max(2.0, bar.width() / 4);
    const int turns = static_cast<int>((bar.width() + 0.1) / step);
    for (int turn = 0; turn <= turns; ++turn)
        zigzag << QPointF(bar.left() + turn * step, y + (turn % 2 == 0 ? 2 : -2));
    painter.setAntialiasing(true);
    painter.setPen(QPen(m_theme.colour(Role::Panel), 3));
    painter.drawPolyline(zigzag);
    painter.setAntialiasing(false);
    QString words = format::duration(pass.end - pass.begin);
    if (pass.phase == trace::Phase::Prefill)
        words = QObject::tr("%1 prompt tokens, %2").arg(pass.tokens).arg(words);
    const double width = QFontMetricsF(m_theme.caption()).horizontalAdvance(words);
    const double x = std::min(bar.right() + 3, area().right() - width);
    if (x < labelEnd)
        return;
    labelEnd = x + width + 6;
    const QRectF box(x - 2, area().top(), width + 4, 14);
    QColor ground = m_theme.colour(Role::Panel);
    ground.setAlpha(200);
    painter.fillRect(box, ground);
    painter.setPen(m_theme.colour(Role::Ink));
    painter.drawText(box, Qt::AlignCenter, words);
}

void TokenBars::paintCoarse(QCPPainter& painter, int first, int last) {
    const auto columns = static_cast<int>(area().width());
    const double perColumn = keyAxis()->range().size() / area().width();
    for (int column = 0; column < columns; ++column) {
        const double from = keyAxis()->range().lower + column * perColumn;
        const int begin = std::max(first, static_cast<int>(std::floor(from)));
        const int end = std::min(last, std::max(begin + 1, static_cast<int>(std::floor(from + perColumn))));
        TokenParts sum{};
        for (int row = begin; row < end; ++row) {
            const TokenParts parts = partsOf(m_model.pass(row));
            for (std::size_t part = 0; part < parts.size(); ++part)
                sum[part] += parts[part];
        }
        double y = area().bottom();
        for (int part = 0; part < kTokenParts && end > begin; ++part) {
            const double tall = height(sum[static_cast<std::size_t>(part)] / (end - begin));
            const double topY = std::max(area().top(), y - tall);
            painter.fillRect(QRectF(area().left() + column, topY, 1, y - topY),
                             m_theme.colour(role(static_cast<TokenPart>(part))));
            y = topY;
        }
    }
}

void TokenBars::paintNumbers(QCPPainter& painter, int first, int last, double pixels) {
    const QFontMetricsF metrics(m_theme.caption());
    const int step = labelStep(pixels, metrics.horizontalAdvance(QStringLiteral("00000")) + 12);
    painter.setClipRect(area().adjusted(-50, 0, 8, 20));
    painter.setPen(m_theme.colour(Role::Muted));
    painter.drawText(QRectF(area().left() - 50, area().bottom() + 3, 44, 14), Qt::AlignRight, QObject::tr("token"));
    double freeFrom = area().left();
    const bool inOrder = m_model.order() == TokenOrder::Index;
    for (int row = first; row < last; ++row) {
        const int token = m_model.pass(row).firstToken.value;
        if ((inOrder ? token : row) % step != 0)
            continue;
        const QString number = QString::number(token);
        const double middle = barRect(row).center().x();
        const double left = middle - metrics.horizontalAdvance(number) / 2;
        if (left < freeFrom - 8)
            continue;
        painter.drawText(QRectF(middle - 30, area().bottom() + 3, 60, 14), Qt::AlignHCenter, number);
        freeFrom = middle + metrics.horizontalAdvance(number) / 2 + 8;
    }
}

void TokenBars::paintTexts(QCPPainter& painter, int first, int last) {
    painter.setClipRect(area().adjusted(0, 0, 0, 20));
    painter.setPen(m_theme.colour(Role::Muted));
    const QFontMetricsF metrics(m_theme.caption());
    for (int row = first; row < last; ++row) {
        const QRectF bar = barRect(row);
        const QString text =
            metrics.elidedText(passText(*m_model.snapshot(), m_model.pass(row)), Qt::ElideRight, bar.width() + 1);
        painter.drawText(QRectF(bar.left() - 4, area().bottom() + 2, bar.width() + 8, 14), Qt::AlignCenter, text);
    }
}

TokenFocus::TokenFocus(QCPAxisRect* rect, const TokenBars& bars, const Theme& theme)
    : Canvas(rect->axis(QCPAxis::atBottom), rect->axis(QCPAxis::atLeft), QStringLiteral("overlay")), m_bars(bars),
      m_theme(theme) {}

bool TokenFocus::setRows(int hovered, int chosen) {
    if (hovered == m_hovered && chosen == m_chosen)
        return false;
    m_hovered = hovered;
    m_chosen = chosen;
    return true;
}

void TokenFocus::paint(QCPPainter& painter) {
    if (m_range) {
        QColor fill = m_theme.colour(Role::Accent);
        fill.setAlpha(55);
        const double left = keyAxis()->coordToPixel(m_range->lower);
        painter.fillRect(QRectF(left, area().top(), keyAxis()->coordToPixel(m_range->upper) - left, area().height()), fill);
    }
    if (m_hovered >= 0) {
        QColor veil = m_theme.colour(Role::Ink);
        veil.setAlpha(30);
        painter.fillRect(m_bars.barRect(m_hovered), veil);
    }
    if (m_chosen >= 0) {
        painter.setPen(QPen(m_theme.colour(Role::Accent), 2));
        painter.setBrush(Qt::NoBrush);
        painter.drawRect(m_bars.barRect(m_chosen).adjusted(-1, 1, 1, -1));
    }
}

TokensView::TokensView(QCustomPlot& plot, const TokensModel& model, const Theme& theme) : m_theme(theme) {
    plot.plotLayout()->clear();
    plot.plotLayout()->setRowSpacing(0);
    m_legend = new LegendRow(plot, theme, Qt::AlignRight, 20);
    m_legend->setMargins(QMargins(140, 0, 34, 0));
    plot.plotLayout()->addElement(0, 0, m_legend);
    auto* rect = new QCPAxisRect(&plot, false);
    rect->addAxes(QCPAxis::atBottom | QCPAxis::atLeft);
    rect->setAutoMargins(QCP::msNone);
    rect->setMargins(QMargins(52, 4, 8, 22));
    plot.plotLayout()->addElement(1, 0, rect);
    m_bars = new TokenBars(rect, model, theme);
    m_focus = new TokenFocus(rect, *m_bars, theme);
    bareAxis(rowAxis());
    rowAxis().setTickLabels(false);
    rowAxis().setBasePen(QPen());
    rowAxis().setLabelPadding(4);
    timeAxis().setLabel(QObject::tr("ms per token"));
    timeAxis().setBasePen(Qt::NoPen);
    timeAxis().setTickPen(Qt::NoPen);
    timeAxis().setTickLength(0, 0);
    timeAxis().setTickLabelPadding(4);
    timeAxis().ticker()->setTickCount(4);
    timeAxis().grid()->setLayer(QStringLiteral("grid"));
    restyle();
}

void TokensView::restyle() {
    std::vector<LegendEntry> entries;
    entries.reserve(kTokenParts + 1);
    for (int part = 0; part < kTokenParts; ++part)
        entries.push_back({tokenPartName(static_cast<TokenPart>(part)),
                           m_theme.colour(TokenBars::role(static_cast<TokenPart>(part))), Swatch::Box});
    entries.push_back({QObject::tr("prompt"), m_theme.colour(Role::Attention), Swatch::Hatched});
    m_legend->setEntries(std::move(entries));
}

} // namespace moescope::ui
