#pragma once
#include "engine/trace/event.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace moescope::analysis {

/// What a tracer of the device saw, held against what the engine said. Empty unless the session was traced at the level of
/// copies or above.
struct DeviceTraffic {
    int level = 0;       ///< highest trace level seen
    bool traced = false; ///< the device is being recorded at the cursor

    // Host to device, in bytes. Expert bytes belong to a transfer; the rest does not.
    std::int64_t copies = 0;
    std::int64_t bytesToDevice = 0;
    std::int64_t bytesExperts = 0;
    std::int64_t bytesFromDevice = 0;
    trace::TimeNs busyToDeviceNs = 0;
    /// The link's measured limit: of the bytes in copies of at least a MiB, 95 % came no faster. 0 before there are some.
    double fastCopiesBytesPerSecond = 0;

    /// One expert: bytes of the engine's transfers of it while the device was traced, and of the device's copies for these.
    struct Expert {
        std::int64_t engineBytes = 0;
        std::int64_t deviceBytes = 0;
    };
    std::vector<Expert> experts;  ///< [layer*experts + expert]
    std::int64_t engineBytes = 0; ///< of all transfers that were traced
    std::int64_t transfersAgreed = 0;
    std::int64_t transfersOpen = 0; ///< told by one side only so far, or with other bytes
    std::int64_t expertsUnequal() const;
    std::int64_t bytesUnattributed() const { return bytesToDevice - bytesExperts; }

    /// Copies to the device without a transfer, by what they were: "router, from pinned memory".
    struct Kind {
        std::int64_t copies = 0;
        std::int64_t bytes = 0;
    };
    std::map<std::string, Kind> unattributed;

    // Times of the same transfer by both clocks.
    std::int64_t clockErrorNs = -1; ///< of the alignment; -1: not known
    std::int64_t deviceLeadNs = 0;  ///< see ClockAligned; the greatest
    // Most by which a copy began before, or ended after, the engine's span of its transfer. A mover that learns from the device
    // that a copy ended reckons back from when it woke up, and so begins its spans late.
    std::int64_t worstEarlyNs = 0;
    std::int64_t worstLateNs = 0;
    std::int64_t transfersOutside = 0; ///< either of the two by more than the stated error
    std::int64_t statedErrorNs() const { return clockErrorNs + deviceLeadNs; }

    std::int64_t kernels = 0;
    trace::TimeNs kernelNs = 0;
    std::vector<std::string> kernelNames; ///< by KernelId

    std::int64_t recordsLost = 0;
    std::int64_t records = 0;
    std::int64_t tracerNs = 0; ///< that the tracer says it took
    std::int32_t longestFlushUs = 0;
    std::vector<trace::OverheadMeasured> overhead;
    trace::GpuSample gpu; ///< the latest
    bool gpuSampled = false;

    /// Readings of the device's counters; percentages are means over their time.
    struct Counters {
        std::int64_t readings = 0;
        trace::TimeNs ns = 0;
        std::int64_t fromHostBytes = 0;
        std::int64_t toHostBytes = 0;
        double memoryPercent = 0;
        double multiprocessorPercent = 0;
        double tensorPercent = 0;
    };
    Counters counters;
};

} // namespace moescope::analysis
