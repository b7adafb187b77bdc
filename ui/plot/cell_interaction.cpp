#include "ui/plot/cell_interaction.h"

#include "ui/plot/plot_gestures.h"
#include "ui/plot/plot_widget.h"

namespace moescope::ui {

CellInteraction::CellInteraction(PlotWidget& plot, const CellCanvas& cells, CellOutlines& outlines, Selection& selection,
                                 std::function<QString(trace::ExpertKey)> readout)
    : QObject(&plot), m_plot(plot), m_cells(cells), m_outlines(outlines), m_selection(selection),
      m_readout(std::move(readout)) {
    PlotGestures& gestures = plot.gestures();
    gestures.setAxes(cells.keyAxis(), cells.valueAxis());
    gestures.setArrowsStep(true);
    connect(&gestures, &PlotGestures::hovered, this, &CellInteraction::hover);
    connect(&gestures, &PlotGestures::left, this, [this] { m_selection.hover({}); });
    connect(&gestures, &PlotGestures::clicked, this, &CellInteraction::click);
    connect(&gestures, &PlotGestures::stepped, this, &CellInteraction::step);
    connect(&gestures, &PlotGestures::escaped, &selection, &Selection::clear);
    connect(&gestures, &PlotGestures::viewChanged, &plot, &PlotWidget::replotSoon);
    connect(&gestures, &PlotGestures::resetRequested, this, [this] {
        showWhole();
        m_plot.replotSoon();
    });
    connect(&selection, &Selection::hoverChanged, this, &CellInteraction::outlineSelection);
    connect(&selection, &Selection::chosenChanged, this, &CellInteraction::outlineSelection);
}

void CellInteraction::gridChanged() {
    if (m_told)
        m_plot.renewReadout(m_readout(*m_told));
    if (m_layers == m_cells.layers() && m_experts == m_cells.experts())
        return;
    m_layers = m_cells.layers();
    m_experts = m_cells.experts();
    m_plot.gestures().setHorizontalLimits(QCPRange(0, std::max(1, m_experts)), 2);
    m_plot.gestures().setVerticalLimits(QCPRange(0, std::max(1, m_layers)), 2);
    showWhole();
}

void CellInteraction::showWhole() {
    showWholeGrid(*m_cells.keyAxis(), *m_cells.valueAxis(), m_cells.layers(), m_cells.experts());
}

std::optional<trace::ExpertKey> CellInteraction::cellAt(const QPointF& at) const {
    return m_cells.geometry().at(at, m_cells.layers(), m_cells.experts());
}

void CellInteraction::hover(const QPointF& at) {
    const auto key = cellAt(at);
    m_told = key;
    Selection::Target target;
    if (key) {
        target.expert = key;
        target.layer = key->layer;
        m_plot.showReadout(at, m_readout(*key));
    } else {
        m_plot.hideReadout();
    }
    m_selection.hover(target);
}

void CellInteraction::click(const QPointF& at) {
    choose(cellAt(at));
}

void CellInteraction::choose(std::optional<trace::ExpertKey> key) {
    Selection::Target target = m_selection.chosen();
    target.expert = key;
    target.layer = key ? std::optional(key->layer) : std::nullopt;
    target.transferSeq.reset();
    m_selection.choose(target);
}

void CellInteraction::step(int dx, int dy) {
    if (m_cells.layers() == 0)
        return;
    const trace::ExpertKey key = steppedCell(m_selection.chosen().expert, dx, dy, m_cells.layers(), m_cells.experts());
    choose(key);
    m_told = key;
    m_plot.showReadout(m_cells.geometry().cell(key.layer.value, key.expert.value).center(), m_readout(key));
}

void CellInteraction::outlineSelection() {
    const Selection::Target& chosen = m_selection.chosen();
    const auto layer = chosen.layer ? std::optional<int>(chosen.layer->value) : std::nullopt;
    if (m_outlines.setFocus(chosen.expert, m_selection.hovered().expert, layer))
        m_plot.replotMarks();
}

} // namespace moescope::ui
