#include "ui/scrub_bar.h"

#include "ui/format.h"
#include "ui/live_label.h"

#include <QHBoxLayout>
#include <QSlider>
#include <cmath>

namespace moescope::ui {

namespace {

constexpr int kSteps = 10'000;

} // namespace

ScrubBar::ScrubBar(SessionFeed& feed, const Theme& theme, QWidget* parent) : QWidget(parent), m_feed(feed) {
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(8, 0, 8, 0);
    row->setSpacing(12);
    m_slider = new QSlider(Qt::Horizontal, this);
    m_slider->setRange(0, kSteps);
    m_slider->setSingleStep(kSteps / 200);
    m_slider->setPageStep(kSteps / 20);
    m_slider->setAccessibleName(tr("Position in the session"));
    m_slider->setToolTip(tr("Drag to see the session as it was at that time"));
    m_readout = new LiveLabel(theme, Theme::Role::Ink, theme.caption(), LiveLabel::Fit::Grow, this);
    m_readout->setMinimumWidth(230);
    m_readout->setAlignment(Qt::AlignRight | Qt::AlignVCenter);
    row->addWidget(m_slider, 1);
    row->addWidget(m_readout);
    connect(m_slider, &QSlider::valueChanged, this, &ScrubBar::moved);
    connect(&feed, &SessionFeed::snapshotChanged, this, &ScrubBar::refresh);
    refresh();
}

QString ScrubBar::readout() const {
    return m_readout->text();
}

void ScrubBar::moved(int position) {
    const auto snapshot = m_feed.snapshot();
    m_feed.seekTime(std::llround(static_cast<double>(snapshot->sessionEnd) * position / kSteps));
}

void ScrubBar::refresh() {
    const auto snapshot = m_feed.snapshot();
    const bool any = snapshot->sessionEnd > 0;
    m_slider->setEnabled(any);
    if (any && !m_slider->isSliderDown()) {
        const QSignalBlocker quiet(m_slider);
        const double share = static_cast<double>(snapshot->now) / static_cast<double>(snapshot->sessionEnd);
        m_slider->setValue(static_cast<int>(std::lround(share * kSteps)));
    }
    m_readout->setText(any ? tr("%1 of %2 · token %3")
                                 .arg(format::clock(snapshot->now), format::clock(snapshot->sessionEnd),
                                      format::count(snapshot->summary.tokens))
                           : tr("no session"));
}

} // namespace moescope::ui
