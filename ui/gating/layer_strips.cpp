#include "ui/gating/layer_strips.h"

#include "ui/format.h"
#include "ui/plot/cell_geometry.h"

#include <algorithm>
#include <cmath>

namespace moescope::ui {

using Role = Theme::Role;

LayerStrip::LayerStrip(QCPAxisRect* rect, const GatingModel& model, const Theme& theme, bool withAll)
    : Canvas(rect->axis(QCPAxis::atBottom), rect->axis(QCPAxis::atLeft), QStringLiteral("main"), true), m_model(model),
      m_theme(theme), m_withAll(withAll) {}

int LayerStrip::columns() const {
    return std::max(0, m_model.rowCount() - (m_withAll ? 0 : 1));
}

int LayerStrip::layerAt(const QPointF& at) const {
    const int count = columns();
    if (count == 0 || !visible() || !area().adjusted(0, -kTitle, 0, kNumbers).contains(at))
        return -1;
    return std::clamp(static_cast<int>((at.x() - area().left()) / area().width() * count), 0, count - 1);
}

void LayerStrip::paint(QCPPainter& painter) {
    const int count = columns();
    const QRectF box = area();
    painter.setFont(m_theme.caption());
    painter.setPen(m_theme.colour(Role::Muted));
    const QFontMetricsF metrics(m_theme.caption());
    painter.drawText(QRectF(box.left(), box.top() - kTitle, box.width(), kTitle), Qt::AlignLeft | Qt::AlignVCenter,
                     metrics.elidedText(title(), Qt::ElideRight, box.width()));
    if (count == 0)
        return;
    const double slot = box.width() / count;
    const int step = labelStep(slot, metrics.horizontalAdvance(QStringLiteral("1.00")) + 3);
    for (int layer = 0; layer < count; ++layer) {
        const double left = box.left() + slot * layer;
        const QRectF track(left + (slot > 4 ? 1 : 0), box.top(), std::max(1.0, slot - (slot > 4 ? 2 : 0)), box.height());
        painter.fillRect(track, m_theme.colour(Role::Inset));
        paintTrack(painter, track, layer);
        if (layer == m_chosen) {
            painter.setPen(QPen(m_theme.colour(Role::Accent), 1.6));
            painter.setBrush(Qt::NoBrush);
            painter.drawRect(track);
        }
    }
    // Over all tracks: a figure is wider than a narrow slot.
    for (int layer = 0; layer < count; ++layer) {
        const bool all = layer + 1 == m_model.rowCount();
        const double left = box.left() + slot * layer;
        // "all" is always named; the layer before it gives way where the slots are narrow.
        const bool crowded = m_withAll && !all && step > 1 && m_model.rowCount() - 1 - layer < step;
        if (!all && (layer % step != 0 || crowded))
            continue;
        painter.setPen(m_theme.colour(Role::Muted));
        painter.drawText(QRectF(left - 12, box.bottom() + 1, slot + 24, metrics.height()), Qt::AlignCenter,
                         all ? QObject::tr("all") : QString::number(layer));
        painter.setPen(m_theme.colour(Role::Ink));
        painter.drawText(QRectF(left - 12, box.top() + 1, slot + 24, metrics.height()), Qt::AlignCenter, figure(layer));
    }
}

QString LayerShares::title() const {
    return model().onlyPrompts() ? QObject::tr("single expert per layer, prompts only")
                                 : QObject::tr("single expert per layer · hatched: prompts");
}

void LayerShares::paintTrack(QCPPainter& painter, const QRectF& track, int layer) {
    const auto row = static_cast<std::size_t>(layer);
    const analysis::GateShare& decode = model().shares().decode[row];
    const analysis::GateShare& prefill = model().shares().prefill[row];
    const double split = prefill.decisions > 0 && track.width() > 6 ? std::floor(track.width() * 0.6) : track.width();
    const auto bar = [&](double left, double width, double share) {
        const double tall = track.height() * share;
        return QRectF(left, track.bottom() - tall, width, tall);
    };
    painter.fillRect(bar(track.left(), split, decode.singleShare), theme().colour(Role::PrefetchWasted));
    if (split >= track.width())
        return;
    const QRectF prompts = bar(track.left() + split, track.width() - split, prefill.singleShare);
    painter.fillRect(prompts, theme().colour(Role::PrefetchWasted));
    painter.fillRect(prompts, hatched(theme().colour(Role::Panel)));
}

QString LayerShares::figure(int layer) const {
    const analysis::GateShare& share = model().shareOf(layer + 1 == model().rowCount() ? -1 : layer);
    return share.decisions > 0 ? QString::number(share.meanExperts, 'f', 2) : QString();
}

const std::vector<double>& LayerSensitivities::shown() const {
    static const std::vector<double> kNone;
    const GateFacts& facts = model().facts();
    if (!facts.rule.sensitivity().empty())
        return facts.rule.sensitivity();
    return facts.known ? facts.known->refined : kNone;
}

QString LayerSensitivities::title() const {
    const GateFacts& facts = model().facts();
    if (shown().empty())
        return QObject::tr("no sensitivities known: moescope-engine calibrate");
    if (facts.rule.sensitivity().empty())
        return QObject::tr("sensitivity w, refined (%1 uses none)").arg(facts.gate);
    return QObject::tr("sensitivity w, %1 form: the gate's").arg(facts.rule.form());
}

void LayerSensitivities::paintTrack(QCPPainter& painter, const QRectF& track, int layer) {
    const auto& values = shown();
    const auto row = static_cast<std::size_t>(layer);
    if (row >= values.size())
        return;
    const double highest = *std::max_element(values.begin(), values.end());
    const double tall = highest > 0 ? (track.height() - 14) * values[row] / highest : 0;
    const bool used = !model().facts().rule.sensitivity().empty();
    const QRectF bar(track.left(), track.bottom() - tall, track.width(), tall);
    painter.fillRect(bar, theme().colour(used ? Role::Compute : Role::Other));
}

QString LayerSensitivities::figure(int layer) const {
    const auto& values = shown();
    const auto row = static_cast<std::size_t>(layer);
    return row < values.size() ? format::number(values[row], 2) : QString();
}

} // namespace moescope::ui
