#pragma once
#include "profiler/analysis/snapshot.h"

#include <unordered_map>

namespace moescope::analysis {

/// Holds what the device's tracer saw against the engine's transfers: bytes by transfer and expert, times by both clocks, and
/// what belongs to no transfer. Owned by SnapshotBuilder; one thread.
class DeviceReducer {
public:
    void on(const trace::TransferSpan& e, trace::Payload payload, Snapshot& s);
    void on(const trace::GpuCopySpan& e, trace::Payload payload, Snapshot& s);
    void on(const trace::KernelSpan& e, trace::Payload payload, Snapshot& s);
    void on(const trace::KernelNamed& e, trace::Payload payload, Snapshot& s);
    void on(const trace::GpuWaitSpan&, trace::Payload, Snapshot&) {}
    void on(const trace::ClockAligned& e, trace::Payload payload, Snapshot& s);
    void on(const trace::TracerSample& e, trace::Payload payload, Snapshot& s);
    void on(const trace::RecordsLost& e, trace::Payload payload, Snapshot& s);
    void on(const trace::OverheadMeasured& e, trace::Payload payload, Snapshot& s);
    void on(const trace::GpuSample& e, trace::Payload payload, Snapshot& s);
    void on(const trace::CounterSample& e, trace::Payload payload, Snapshot& s);

private:
    /// A transfer of which one side, or not all bytes, have been told.
    struct Open {
        std::int64_t engineBytes = -1;
        std::int64_t deviceBytes = 0;
        trace::TimeNs begin = 0; ///< of the engine's span
        trace::TimeNs end = 0;
        trace::TimeNs firstCopy = 0;
        trace::TimeNs lastCopy = 0;
    };
    void settle(trace::TransferId transfer, DeviceTraffic& d);
    void addSpeed(const trace::GpuCopySpan& e, DeviceTraffic& d);
    static DeviceTraffic::Expert* expertOf(trace::ExpertKey key, Snapshot& s);

    std::unordered_map<std::int32_t, Open> m_open;
    std::vector<std::int64_t> m_bytesAtSpeed; ///< of large copies, by speed
    std::int64_t m_largeBytes = 0;
    std::int64_t m_largeCopies = 0;
};

} // namespace moescope::analysis
