#pragma once
#include "profiler/analysis/belady.h"
#include "profiler/analysis/snapshot.h"
#include "profiler/session/batch.h"

namespace moescope::analysis {

/// The expert cache: hits, misses, evictions, who is resident and why, slots, and what the best rule would have reached.
/// Owned by SnapshotBuilder; one thread.
class CacheReducer {
public:
    CacheReducer(int layers, int experts) : m_optimum(layers, experts) {}

    void on(const trace::ExpertHit& e, trace::Payload payload, Snapshot& s);
    void on(const trace::ExpertMissed& e, trace::Payload payload, Snapshot& s);
    void on(const trace::ExpertEvicted& e, trace::Payload payload, Snapshot& s);
    void on(const trace::PrefetchIssued& e, trace::Payload payload, Snapshot& s);
    void on(const trace::PrefetchResolved& e, trace::Payload payload, Snapshot& s);
    void on(const trace::TransferSpan& e, trace::Payload payload, Snapshot& s);
    void on(const trace::StallSpan& e, trace::Payload payload, Snapshot& s);
    void on(const trace::InPlaceSpan& e, trace::Payload payload, Snapshot& s);
    void on(const trace::StageSpan& e, trace::Payload payload, Snapshot& s);
    void on(const trace::SlotsAllocated& e, trace::Payload payload, Snapshot& s);

    /// Hit rates of the summary and of the layers.
    void derive(std::vector<LayerRecord>& layers, Summary& summary) const;

private:
    OfflineOptimum m_optimum;
};

} // namespace moescope::analysis
