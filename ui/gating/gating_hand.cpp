#include "ui/format.h"
#include "ui/gating/gating_panel.h"
#include "ui/gating/gating_view.h"
#include "ui/gating_geometry.h"
#include "ui/plot/plot_gestures.h"
#include "ui/plot/plot_widget.h"

#include <algorithm>

using namespace Qt::StringLiterals;

// What the hand does on the gating panel: dragging, keys, pointing.
namespace moescope::ui {
namespace {
constexpr qint64 kSendEveryMs = 60;
constexpr double kKeyStep = 0.01; // share per arrow key; of the range where the threshold has no place
} // namespace

void GatingPanel::connectGestures() {
    PlotGestures& gestures = m_plot->gestures();
    gestures.setAxes(&m_view->shareAxis(), nullptr);
    gestures.setArrowsStep(true);
    gestures.setGrabTest([this](const QPointF& at) { return m_view->threshold().hit(at); });
    connect(&gestures, &PlotGestures::grabMoved, this,
            [this](const QPointF& at) { dragTo(m_view->shareAxis().pixelToCoord(at.x())); });
    connect(&gestures, &PlotGestures::grabReleased, this, &GatingPanel::endDrag);
    connect(&gestures, &PlotGestures::stepped, this, &GatingPanel::step);
    connect(&gestures, &PlotGestures::hovered, this, &GatingPanel::hover);
    connect(&gestures, &PlotGestures::left, this, [this] {
        m_plot->plot().unsetCursor();
        m_selection.hover({});
    });
    connect(&gestures, &PlotGestures::clicked, this, &GatingPanel::click);
    connect(&gestures, &PlotGestures::viewChanged, m_plot, &PlotWidget::replotSoon);
    const auto forget = [this] {
        m_trial.clear();
        m_message.clear();
        updateMarks();
        m_plot->replotSoon();
    };
    connect(&gestures, &PlotGestures::resetRequested, this, [this, forget] {
        m_view->shareAxis().setRange(0, m_view->histogram().histogram().upper);
        forget();
    });
    connect(&gestures, &PlotGestures::escaped, this, forget);
}

void GatingPanel::tryThreshold(double threshold) {
    const GateFacts& facts = m_model->facts();
    GateTrial::Setting setting =
        m_trial.active() ? *m_trial.setting() : GateTrial::Setting{facts.gate, facts.threshold, facts.overrides, facts.rule};
    const double wanted = std::clamp(threshold, 0.0, setting.rule.most());
    if (const auto own = setting.overrides.find(layer()); own != setting.overrides.end())
        own->second = wanted;
    else
        setting.threshold = wanted;
    m_trial.set(std::move(setting));
    m_message.clear();
    if (!m_sent.isValid() || m_sent.elapsed() >= kSendEveryMs)
        sendTrial();
    updateMarks();
    m_plot->replotSoon();
}

void GatingPanel::dragTo(double share) {
    const GateRule& rule = shownRule();
    if (rule.placed())
        tryThreshold(rule.thresholdAt(std::clamp(share, 0.0, m_view->histogram().histogram().upper), layer()));
}

void GatingPanel::endDrag() {
    if (m_trial.active())
        sendTrial();
}

void GatingPanel::step(int dx, int dy) {
    const GateRule& rule = shownRule();
    if (dx != 0 && rule.placed()) {
        dragTo(m_view->threshold().state().share + dx * kKeyStep);
        endDrag();
    } else if (dx != 0 && rule.hasThreshold() && rule.missing().isEmpty()) {
        tryThreshold(shownThreshold() + dx * kKeyStep * rule.most());
        endDrag();
    }
    if (dy != 0)
        setLayer(std::clamp(layer() + dy, -1, m_feed.snapshot()->layers - 1));
}

void GatingPanel::send(const ControlValues& values) {
    m_sent.start();
    if (!m_feed.snapshot()->live)
        return;
    for (auto at = values.begin(); at != values.end(); ++at)
        Q_EMIT m_commands.settingRequested(at.key(), at.value());
}

void GatingPanel::sendTrial() {
    const GateTrial::Setting& setting = *m_trial.setting();
    ControlValues values;
    if (setting.overrides != m_model->facts().overrides)
        values[u"gate-layers"_s] = QString::fromStdString(policy::formatLayerOverrides(setting.overrides));
    else
        values[u"gate-threshold"_s] = QString::fromStdString(thresholdText(setting.threshold));
    if (setting.gate != m_model->facts().gate)
        values[u"gate"_s] = setting.gate;
    send(values);
}

void GatingPanel::setOwnThreshold(bool own) {
    const GateFacts& facts = m_model->facts();
    if (layer() < 0 || !shownRule().hasThreshold())
        return;
    GateTrial::Setting setting =
        m_trial.active() ? *m_trial.setting() : GateTrial::Setting{facts.gate, facts.threshold, facts.overrides, facts.rule};
    const double present = shownThreshold();
    if (own)
        setting.overrides[layer()] = present;
    else
        setting.overrides.erase(layer());
    m_trial.set(std::move(setting));
    sendTrial();
    updateMarks();
    m_plot->replotSoon();
}

QString GatingPanel::layerReadout(int layer) const {
    const bool all = layer >= m_model->rowCount() - 1;
    const auto row = static_cast<std::size_t>(layer);
    const auto& shares = m_model->shares();
    QString text = u"<b>%1</b>"_s.arg(all ? tr("all layers") : tr("layer %1").arg(layer));
    const auto add = [&](const QString& name, const analysis::GateShare& share) {
        if (share.decisions > 0)
            text += tr("<br>%1: %2, of %3")
                        .arg(name, headline(share.meanExperts, share.singleShare, m_model->facts().topK),
                             format::count(share.decisions));
    };
    add(tr("answers"), shares.decode[row]);
    add(tr("prompts"), shares.prefill[row]);
    const auto figure = [&](const QString& name, GatingModel::Column column) {
        const QString value = m_model->index(layer, column).data().toString();
        if (!value.isEmpty())
            text += u"<br>%1 %2"_s.arg(name, value);
    };
    figure(tr("sensitivity, refined:"), GatingModel::Refined);
    figure(tr("paper:"), GatingModel::Paper);
    figure(tr("pair mean:"), GatingModel::PairMean);
    figure(tr("measured KL of dropping here:"), GatingModel::DirectKl);
    figure(tr("drops up to share"), GatingModel::DropsUpTo);
    return text;
}

QString GatingPanel::readoutAt(const QPointF& at) const {
    const analysis::GateHistogram& histogram = m_view->histogram().histogram();
    if (const int over = m_view->layerAt(at); over >= 0)
        return layerReadout(over);
    if (const policy::GateCostPoint* point = m_view->cost().pointAt(at)) {
        const GateRule rule(QString::fromStdString(point->gate), nullptr, m_model->facts().topK);
        const QString words = costWords(*point, m_costed->costs);
        return tr("<b>%1</b> · %2<br>%3<br>%4%5<br>measured on %6, %7 tokens")
            .arg(rule.gate(), rule.valueText(point->threshold),
                 headline(point->meanExperts, point->singleShare, m_model->facts().topK), costFigures(*point),
                 words.isEmpty() ? QString() : u"<br>"_s + words, QString::fromStdString(m_costed->costs.text).toHtmlEscaped(),
                 format::count(m_costed->costs.tokens));
    }
    const QRectF area = m_view->histogram().area();
    const int bin = m_view->histogram().binAt(at.x());
    if (bin < 0 || at.y() > area.bottom() || at.y() < area.top())
        return {};
    const auto index = static_cast<std::size_t>(bin);
    const double width = histogram.upper / static_cast<double>(histogram.kept.size());
    return tr("<b>share %1 – %2</b><br>%3 ran, %4 dropped")
        .arg(QString::number(bin * width, 'f', 3), QString::number((bin + 1) * width, 'f', 3),
             format::count(histogram.kept[index]), format::count(histogram.dropped[index]));
}

void GatingPanel::hover(const QPointF& at) {
    m_plot->plot().setCursor(m_view->threshold().hit(at) ? Qt::SplitHCursor : Qt::ArrowCursor);
    const QString text = readoutAt(at);
    if (text.isEmpty())
        m_plot->hideReadout();
    else
        m_plot->showReadout(at, text);
    Selection::Target target;
    if (const int over = m_view->layerAt(at); over >= 0 && over < m_feed.snapshot()->layers)
        target.layer = trace::Layer(over);
    m_selection.hover(target);
}

void GatingPanel::click(const QPointF& at) {
    const int clicked = m_view->layerAt(at);
    Selection::Target target = m_selection.chosen();
    if (clicked < 0)
        return;
    target.layer = clicked < m_feed.snapshot()->layers ? std::optional(trace::Layer(clicked)) : std::nullopt;
    target.expert.reset();
    m_selection.choose(target);
}

} // namespace moescope::ui
