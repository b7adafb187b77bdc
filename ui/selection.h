#pragma once
#include "engine/trace/ids.h"
#include "profiler/analysis/range_figures.h"

#include <QObject>
#include <optional>

namespace moescope::ui {

/// The one view state that all panels share: what is hovered, what is selected. GUI thread. A panel that changes it passes
/// itself as origin to nobody: it just reacts to its own change like everybody else.
class Selection : public QObject {
    Q_OBJECT
public:
    using QObject::QObject;

    struct TimeRange {
        trace::TimeNs begin = 0;
        trace::TimeNs end = 0;
        friend bool operator==(const TimeRange&, const TimeRange&) = default;
    };
    /// What is pointed at or chosen; each part may be absent.
    struct Target {
        std::optional<trace::TokenIndex> token;
        std::optional<trace::Layer> layer;
        std::optional<trace::ExpertKey> expert;
        std::optional<std::int64_t> transferSeq; ///< seq of a TransferSpan
        friend bool operator==(const Target&, const Target&) = default;
        bool empty() const { return !token && !layer && !expert && !transferSeq; }
    };

    const Target& hovered() const { return m_hovered; }
    const Target& chosen() const { return m_chosen; }
    /// Hovered parts over chosen ones: what *Selected* and highlights show.
    Target effective() const;
    const std::optional<TimeRange>& timeRange() const { return m_timeRange; }

public Q_SLOTS:
    void hover(const moescope::ui::Selection::Target& target);
    void choose(const moescope::ui::Selection::Target& target);
    void setTimeRange(std::optional<moescope::ui::Selection::TimeRange> range);
    void clear();

Q_SIGNALS:
    void hoverChanged();
    void chosenChanged();
    void timeRangeChanged();

private:
    Target m_hovered;
    Target m_chosen;
    std::optional<TimeRange> m_timeRange;
};

} // namespace moescope::ui
