#include "ui/selection.h"

namespace moescope::ui {

Selection::Target Selection::effective() const {
    Target target = m_chosen;
    if (m_hovered.token)
        target.token = m_hovered.token;
    if (m_hovered.layer || m_hovered.expert)
        target.layer = m_hovered.layer;
    if (m_hovered.expert)
        target.expert = m_hovered.expert;
    if (m_hovered.transferSeq)
        target.transferSeq = m_hovered.transferSeq;
    return target;
}

void Selection::hover(const Target& target) {
    if (target == m_hovered)
        return;
    m_hovered = target;
    Q_EMIT hoverChanged();
}

void Selection::choose(const Target& target) {
    if (target == m_chosen)
        return;
    m_chosen = target;
    Q_EMIT chosenChanged();
}

void Selection::setTimeRange(std::optional<TimeRange> range) {
    if (range && range->end < range->begin)
        std::swap(range->begin, range->end);
    if (range == m_timeRange)
        return;
    m_timeRange = range;
    Q_EMIT timeRangeChanged();
}

void Selection::clear() {
    hover({});
    choose({});
    setTimeRange(std::nullopt);
}

} // namespace moescope::ui
