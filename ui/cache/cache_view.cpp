#include "ui/cache/cache_view.h"

#include "ui/format.h"
#include "ui/plot/plot_style.h"

#include <algorithm>

namespace moescope::ui {
namespace {
constexpr double kBarWidth = 68;
constexpr double kSlotsWidth = 34;
} // namespace

HitRateBars::HitRateBars(QCPAxis* key, QCPAxis* value, const CellCanvas& cells, const Theme& theme)
    : Canvas(key, value, QStringLiteral("main"), true), m_cells(cells), m_theme(theme) {}

void HitRateBars::paint(QCPPainter& painter) {
    if (!m_snapshot || m_snapshot->layerLives.empty())
        return;
    const QRectF box = area();
    const double line = QFontMetricsF(m_theme.caption()).height();
    painter.setFont(m_theme.caption());
    painter.setPen(m_theme.colour(Theme::Role::Muted));
    const double headY = box.top() - line - 3;
    painter.drawText(QRectF(box.left(), headY, kBarWidth + 10, line), Qt::AlignLeft, QObject::tr("hit | optimum"));
    painter.drawText(QRectF(box.left() + kBarWidth, headY, kSlotsWidth, line), Qt::AlignRight, QObject::tr("slots"));
    painter.setClipRect(box.adjusted(-1, -1, 1, 1));
    for (int layer = 0; layer < m_cells.layers(); ++layer)
        if (static_cast<std::size_t>(layer) < m_snapshot->layerLives.size())
            paintLayer(painter, m_cells.geometry().painted(layer, 0), m_snapshot->layerLives[static_cast<std::size_t>(layer)]);
}

void HitRateBars::paintLayer(QCPPainter& painter, const QRectF& row, const analysis::LayerRecord& life) {
    const double left = area().left();
    const double height = std::clamp(row.height() * 0.42, 1.0, 10.0);
    const QRectF track(left, row.center().y() - height / 2, kBarWidth, height);
    painter.fillRect(track, m_theme.colour(Theme::Role::Inset));
    if (life.hits + life.misses > 0) {
        const double rate = static_cast<double>(life.hits) / static_cast<double>(life.hits + life.misses);
        painter.fillRect(QRectF(track.topLeft(), QSizeF(kBarWidth * rate, height)), m_theme.colour(Theme::Role::Good));
    }
    if (life.optimumHitRate >= 0) {
        const double x = left + kBarWidth * std::min(1.0, life.optimumHitRate);
        painter.fillRect(QRectF(x - 1, track.top() - 3, 2, height + 6), m_theme.colour(Theme::Role::Ink));
    }
    const double line = QFontMetricsF(m_theme.caption()).height();
    if (row.height() < line - 3)
        return;
    painter.setPen(m_theme.colour(Theme::Role::Ink));
    painter.drawText(QRectF(left + kBarWidth, row.center().y() - line / 2, kSlotsWidth, line), Qt::AlignRight,
                     life.slots < 0 ? QObject::tr("pool") : QString::number(life.slots));
}

CacheView::CacheView(QCustomPlot& plot, const Theme& theme) : m_theme(theme) {
    plot.plotLayout()->clear();
    plot.plotLayout()->setColumnSpacing(10);
    plot.plotLayout()->setRowSpacing(0);
    m_cells = new CellCanvas(addCellRect(plot, 0, 0), theme);
    m_outlines = new CellOutlines(*m_cells, theme);
    QCPAxisRect* side = addCellRect(plot, 0, 1);
    side->setMargins(QMargins(0, CellMargins::kTop, 4, 2));
    side->setMinimumSize(HitRateBars::kWidth, 20);
    side->setMaximumSize(HitRateBars::kWidth, QWIDGETSIZE_MAX);
    m_rates = new HitRateBars(side->axis(QCPAxis::atTop), side->axis(QCPAxis::atLeft), *m_cells, theme);
    m_legend = new LegendRow(plot, theme, Qt::AlignLeft, CellMargins::kBottomStrip);
    m_legend->setMargins(QMargins(CellMargins::kLeft, 0, 0, 0));
    plot.plotLayout()->addElement(1, 0, m_legend);
}

void CacheView::show(const analysis::SnapshotPtr& snapshot) {
    using Role = Theme::Role;
    std::vector<QColor> fills;
    std::vector<CellMark> marks;
    for (const std::uint8_t state : snapshot->residency.state) {
        fills.push_back(m_theme.colour(state == 0 ? Role::Inset : state == 1 ? Role::Loading : Role::ResidentHigh));
        marks.push_back(state == 1 ? CellMark::Hatched : CellMark::Plain);
    }
    m_cells->setCells(snapshot->residency.layers, snapshot->residency.experts, std::move(fills), std::move(marks));
    m_rates->setSnapshot(snapshot);
    m_legend->setEntries({{QObject::tr("absent"), m_theme.colour(Role::Inset), Swatch::Box},
                          {QObject::tr("loading"), m_theme.colour(Role::Loading), Swatch::Hatched},
                          {QObject::tr("resident"), m_theme.colour(Role::ResidentHigh), Swatch::Box},
                          {QObject::tr("used by the token"), m_theme.colour(Role::Ink), Swatch::Frame}});
}

} // namespace moescope::ui
