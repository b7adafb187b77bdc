#pragma once
#include "profiler/analysis/snapshot.h"

#include <memory>

namespace moescope::analysis {

/// Folds events into a Snapshot: the bundle of all reducers. Fed by the recorder's batches, by a reader of a growing file, or
/// by a replay: the result is the same (promise 1). One thread.
class SnapshotBuilder {
public:
    explicit SnapshotBuilder(std::shared_ptr<const session::SessionInfo> info);
    ~SnapshotBuilder();

    void add(const session::Batch& batch);
    /// Only the events with seq <= last.
    void add(const session::Batch& batch, std::int64_t last);
    /// Recomputes what is too dear per event (percentiles, Belady's optimum) if it is stale. Call before publishing; optimum
    /// only about once a second.
    void refreshFigures(bool withOptimum);
    /// A cheap copy of the present state.
    SnapshotPtr snapshot() const;
    /// A second builder that stands where this one does and goes on by itself: the place to come back to when scrubbing.
    std::unique_ptr<SnapshotBuilder> fork() const;

private:
    struct State;
    explicit SnapshotBuilder(std::unique_ptr<State> state);
    std::unique_ptr<State> m_state;
};

} // namespace moescope::analysis
