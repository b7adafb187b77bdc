#include "ui/tokens/tokens_panel.h"

#include "profiler/analysis/range_figures.h"
#include "ui/format.h"
#include "ui/plot/combo_button.h"
#include "ui/plot/pass_lookup.h"
#include "ui/plot/plot_gestures.h"
#include "ui/plot/plot_widget.h"
#include "ui/tokens/tokens_view.h"

#include <QBoxLayout>
#include <algorithm>
#include <cmath>

namespace moescope::ui {
namespace {
constexpr int kFewest = 24; // bars that the plot has room for even when there are fewer
constexpr int kWindow = 96; // newest bars shown while the session grows
} // namespace

TokensPanel::TokensPanel(SessionFeed& feed, Selection& selection, const Theme& theme, QWidget* parent)
    : QWidget(parent), m_feed(feed), m_selection(selection), m_plot(new PlotWidget(theme, tr("Tokens"))),
      m_model(new TokensModel(this)) {
    setWindowTitle(tr("Tokens"));
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->addWidget(m_plot);
    setFocusProxy(m_plot);
    m_plot->setTable(m_model);
    m_view = std::make_unique<TokensView>(m_plot->plot(), *m_model, theme);
    m_order = new ComboButton(tr("Order of the tokens"),
                              {tr("by position"), tr("longest first"), tr("most stalled first"), tr("most MB first")});
    m_plot->header().insertWidget(0, m_order);
    connect(m_order, &ComboButton::currentChanged, this, [this] {
        m_seq = -1;
        m_userView = false;
        m_plot->markStaleNow();
    });
    connectGestures();
    connect(m_plot, &PlotWidget::refresh, this, &TokensPanel::refresh);
    connect(m_plot, &PlotWidget::restyled, this, [this] { m_view->restyle(); });
    connect(&feed, &SessionFeed::snapshotChanged, m_plot, &PlotWidget::markStale);
    connect(&selection, &Selection::hoverChanged, this, &TokensPanel::updateFocus);
    connect(&selection, &Selection::chosenChanged, this, &TokensPanel::updateFocus);
    m_plot->restyle();
    m_plot->markStale();
}

TokensPanel::~TokensPanel() = default;

void TokensPanel::connectGestures() {
    PlotGestures& gestures = m_plot->gestures();
    gestures.setAxes(&m_view->rowAxis(), nullptr);
    gestures.setArrowsStep(true);
    connect(&gestures, &PlotGestures::hovered, this, &TokensPanel::hover);
    connect(&gestures, &PlotGestures::left, this, [this] { m_selection.hover({}); });
    connect(&gestures, &PlotGestures::clicked, this, [this](const QPointF& at) { chooseRow(m_view->bars().rowAt(at.x())); });
    connect(&gestures, &PlotGestures::stepped, this, [this](int dx, int) { step(dx); });
    connect(&gestures, &PlotGestures::escaped, &m_selection, &Selection::clear);
    connect(&gestures, &PlotGestures::viewChanged, this, [this] {
        m_userView = true;
        m_plot->replotSoon();
    });
    connect(&gestures, &PlotGestures::resetRequested, this, [this] {
        m_userView = false;
        showAll();
        m_plot->replotSoon();
    });
    connect(&gestures, &PlotGestures::rangeDragged, this, [this](double begin, double end) {
        m_view->focus().setRange(QCPRange(begin, end));
        m_plot->replotMarks();
    });
    connect(&gestures, &PlotGestures::rangeSelected, this, &TokensPanel::selectRows);
}

void TokensPanel::setOrder(TokenOrder order) {
    m_order->setCurrent(static_cast<int>(order));
}

void TokensPanel::refresh() {
    const analysis::SnapshotPtr snapshot = m_feed.snapshot();
    m_plot->setEmptyText(snapshot->passes.empty()
                             ? tr("Where each token's time goes: attention, router, experts, waiting. Send a message or open a "
                                  "session.")
                             : QString());
    const QString file = QString::fromStdString(snapshot->file);
    if (snapshot->seq == m_seq && file == m_file)
        return;
    if (file != m_file)
        m_userView = false;
    m_file = file;
    m_seq = snapshot->seq;
    const int before = m_model->rowCount();
    m_model->show(snapshot, static_cast<TokenOrder>(m_order->current()));
    m_view->timeAxis().setRange(0, static_cast<double>(axisTop(*snapshot)) / 1e6);
    m_plot->gestures().setHorizontalLimits(QCPRange(0, std::max(kFewest, m_model->rowCount())), 4);
    keepView(before);
    updateFocus();
    const QString caption = tr("%1 passes · stall %2 per token")
                                .arg(snapshot->passes.size())
                                .arg(format::milliseconds(snapshot->summary.stallMsPerToken));
    m_plot->setSummary(tr("%1; median %2, 95th percentile %3.")
                           .arg(caption, format::milliseconds(snapshot->summary.tpotP50Ms),
                                format::milliseconds(snapshot->summary.tpotP95Ms)));
    if (caption != m_caption) {
        m_caption = caption;
        Q_EMIT captionChanged(caption);
    }
}

void TokensPanel::keepView(int before) {
    const PlotGestures& gestures = m_plot->gestures();
    if (m_userView || (before > 0 && (gestures.pointerInside() || gestures.dragging())))
        return;
    showAll();
}

void TokensPanel::showAll() {
    const int rows = m_model->rowCount();
    const bool growing = m_feed.snapshot()->live && m_order->current() == 0 && rows > kWindow;
    m_view->rowAxis().setRange(growing ? rows - kWindow : 0, std::max(kFewest, rows));
}

int TokensPanel::rowOfToken(const std::optional<trace::TokenIndex>& token) const {
    return token ? m_model->rowOf(passOf(*m_model->snapshot(), *token)) : -1;
}

void TokensPanel::updateFocus() {
    if (m_view->focus().setRows(rowOfToken(m_selection.hovered().token), rowOfToken(m_selection.chosen().token)))
        m_plot->replotMarks();
}

void TokensPanel::hover(const QPointF& at) {
    const int row = m_view->bars().rowAt(at.x());
    Selection::Target target;
    if (row >= 0) {
        target.token = m_model->pass(row).firstToken;
        m_plot->showReadout(at, readoutOf(row));
    } else {
        m_plot->hideReadout();
    }
    m_selection.hover(target);
}

void TokensPanel::step(int dx) {
    if (m_model->rowCount() == 0 || dx == 0)
        return;
    const int from = rowOfToken(m_selection.chosen().token);
    const int row = from < 0 ? m_model->rowCount() - 1 : std::clamp(from + dx, 0, m_model->rowCount() - 1);
    chooseRow(row);
    const QCPRange shown = m_view->rowAxis().range();
    if (row < shown.lower || row + 1 > shown.upper) {
        m_userView = true;
        m_view->rowAxis().moveRange(row < shown.lower ? row - shown.lower : row + 1 - shown.upper);
        m_plot->replotSoon();
    }
    m_plot->showReadout(m_view->bars().barRect(row).center(), readoutOf(row));
}

void TokensPanel::chooseRow(int row) {
    Selection::Target target = m_selection.chosen();
    target.token = row >= 0 ? std::optional(m_model->pass(row).firstToken) : std::nullopt;
    target.transferSeq.reset();
    m_selection.choose(target);
}

void TokensPanel::selectRows(double begin, double end) {
    m_view->focus().setRange(std::nullopt);
    const int first = std::max(0, static_cast<int>(std::floor(begin)));
    const int last = std::min(m_model->rowCount() - 1, static_cast<int>(std::floor(end)));
    if (first > last || static_cast<TokenOrder>(m_order->current()) != TokenOrder::Index) {
        m_plot->replotMarks();
        return;
    }
    m_selection.setTimeRange(Selection::TimeRange{m_model->pass(first).begin, m_model->pass(last).end});
    m_plot->replotMarks();
}

QString TokensPanel::readoutOf(int row) const {
    const analysis::PassRecord& pass = m_model->pass(row);
    const TokenParts parts = partsOf(pass);
    QStringList lines{tr("<b>token %1 “%2”</b> %3")
                          .arg(pass.firstToken.value)
                          .arg(passText(*m_model->snapshot(), pass).toHtmlEscaped(), format::duration(pass.end - pass.begin))};
    QString body;
    for (int part = 0; part < kTokenParts; ++part)
        body += QStringLiteral("<tr><td>%1&nbsp;&nbsp;</td><td align=right>%2</td></tr>")
                    .arg(tokenPartName(static_cast<TokenPart>(part)), format::duration(parts[static_cast<std::size_t>(part)]));
    lines << QStringLiteral("<table cellspacing=0>") + body + QStringLiteral("</table>");
    lines << tr("%1 hits · %2 misses · %3")
                 .arg(pass.hits)
                 .arg(pass.misses)
                 .arg(format::bytes(pass.bytesDemand + pass.bytesPrefetch));
    return lines.join(QStringLiteral("<br>")).replace(QStringLiteral("</table><br>"), QStringLiteral("</table>"));
}

} // namespace moescope::ui
