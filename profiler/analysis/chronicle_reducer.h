#pragma once
#include "profiler/analysis/snapshot.h"
#include "profiler/session/batch.h"

namespace moescope::analysis {

/// What is told rather than counted: settings, notes, failures, losses, the host. Owned by SnapshotBuilder; one thread.
class ChronicleReducer {
public:
    void on(const trace::SettingChanged& e, trace::Payload payload, Snapshot& s);
    void on(const trace::NoteMade& e, trace::Payload payload, Snapshot& s);
    void on(const trace::RunFailed& e, trace::Payload payload, Snapshot& s);
    void on(const trace::EventsLost& e, trace::Payload payload, Snapshot& s);
    void on(const trace::HostSample& e, trace::Payload payload, Snapshot& s);

    /// The link's name as set, and whether its speed is a cap.
    static void noteLink(Snapshot& s);
};

} // namespace moescope::analysis
