#include "profiler/session/overview_builder.h"

#include <algorithm>

namespace moescope::session {

std::int64_t keyframeInterval(int layers, int experts) {
    return std::max<std::int64_t>(4096, std::int64_t{layers} * experts / 2);
}

OverviewBuilder::OverviewBuilder(int layers, int experts)
    : m_residency(emptyResidency(layers, experts)), m_interval(keyframeInterval(layers, experts)) {}

void OverviewBuilder::add(const Record& record) {
    m_lod.add(record);
    foldResidency(m_residency, record.event);
    m_residency.seq = record.seq;
    if (record.seq % m_interval == 0) {
        m_lod.flushPartials();
        m_keyframes.push_back({record.seq, trace::timeOf(record.event), packResidency(m_residency)});
    }
}

void OverviewBuilder::clear() {
    m_lod.clearRows();
    m_keyframes.clear();
}

} // namespace moescope::session
