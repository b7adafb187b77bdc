#include "ui/gating/gating_view.h"

#include "ui/plot/plot_style.h"
#include "ui/plot/plot_widget.h"

#include <algorithm>

namespace moescope::ui {
namespace {

constexpr int kLeft = 14;
constexpr int kRight = 12;
constexpr int kCostLeft = 44; // room for a KL
constexpr int kOneFrom = 150;
constexpr int kAllFrom = 440;
constexpr int kLowest = 78;
constexpr int kHighest = 124;
constexpr int kCostWords = 30; // lines of words above the cost

QCPAxisRect* strip(QCustomPlot& plot, int row, const QMargins& margins) {
    auto* rect = new QCPAxisRect(&plot, false);
    rect->addAxes(QCPAxis::atBottom | QCPAxis::atLeft);
    rect->setAutoMargins(QCP::msNone);
    rect->setMargins(margins);
    for (QCPAxis* axis : rect->axes()) {
        bareAxis(*axis);
        axis->setTickLabels(false);
    }
    plot.plotLayout()->addElement(row, 0, rect);
    return rect;
}

void give(Canvas& canvas, int height, const QMargins& margins) {
    QCPAxisRect& rect = *canvas.keyAxis()->axisRect();
    rect.setVisible(height > 0);
    rect.setMargins(height > 0 ? margins : QMargins());
    rect.setMinimumSize(20, height);
    rect.setMaximumSize(QWIDGETSIZE_MAX, height);
    canvas.setVisible(height > 0);
}

void showTicks(QCPAxis& axis, int count) {
    axis.setTickLabels(true);
    axis.setTickLabelPadding(2);
    axis.setLabelPadding(0);
    axis.ticker()->setTickCount(count);
}

} // namespace

GatingView::GatingView(QCustomPlot& plot, const GatingModel& model, const Theme& theme) : m_theme(theme) {
    plot.plotLayout()->clear();
    plot.plotLayout()->setRowSpacing(0);
    QCPAxisRect* upper = strip(plot, 0, QMargins(kLeft, PlotWidget::kHead + 16, kRight, 30));
    m_histogram = new ShareHistogram(upper, theme);
    m_threshold = new ThresholdLine(upper, theme);
    showTicks(shareAxis(), 5);
    shareAxis().setLabel(QObject::tr("weight share beyond the first expert"));
    m_shares = new LayerShares(strip(plot, 1, {}), model, theme);
    m_sensitivities = new LayerSensitivities(strip(plot, 2, {}), model, theme);
    m_cost = new CostPlot(strip(plot, 3, {}), theme);
    showTicks(*m_cost->keyAxis(), 4);
    showTicks(*m_cost->valueAxis(), 3);
    fit(plot.height(), GatingPage::Layers);
    restyle();
}

bool GatingView::fitsAll(int height) {
    return height >= kAllFrom;
}

void GatingView::fit(int height, GatingPage page) {
    const bool all = fitsAll(height);
    const int one = height < kOneFrom ? 0 : std::clamp(all ? height / 5 : height * 2 / 5, kLowest, kHighest);
    const auto room = [&](GatingPage of) { return all || page == of ? one : 0; };
    const QMargins layers(kLeft, LayerStrip::kTitle + 2, kRight, LayerStrip::kNumbers);
    give(*m_shares, room(GatingPage::Layers), layers);
    give(*m_sensitivities, room(GatingPage::Sensitivity), layers);
    give(*m_cost, room(GatingPage::Cost) > 0 ? std::min(one + kCostWords, height * 3 / 5) : 0,
         QMargins(kCostLeft, 46, kRight, 16));
}

int GatingView::layerAt(const QPointF& at) const {
    const int shares = m_shares->layerAt(at);
    return shares >= 0 ? shares : m_sensitivities->layerAt(at);
}

void GatingView::setChosen(int layer) {
    m_shares->setChosen(layer);
    m_sensitivities->setChosen(layer);
}

void GatingView::restyle() {
    for (QCPAxis* axis : {m_cost->keyAxis(), m_cost->valueAxis()}) {
        axis->setTickLabelColor(m_theme.colour(Theme::Role::Muted));
        axis->setTickLabelFont(m_theme.caption());
    }
}

} // namespace moescope::ui
