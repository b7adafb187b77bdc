#pragma once
#include "engine/trace/tracer.h"
#include "profiler/gpu/clock_alignment.h"
#include "profiler/gpu/device_record.h"

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

namespace moescope::gpu {

/// Device records in, session events out: ties each to the scope in which it was submitted, moves its times to the session's
/// clock, gives kernel names numbers. Records arrive in deliveries, in any order within one, and what belongs together may
/// be an early or a late one's: work whose call has not been reported yet waits a few deliveries. Owned by a collector, on
/// its thread; knows no clock, thread or device.
class RecordEvents {
public:
    explicit RecordEvents(trace::Tracer& tracer) : m_tracer(tracer) {}

    void align(const ClockAlignment& alignment) { m_alignment = alignment; }
    void take(const DeviceRecord& record);
    /// After each delivery: emits what is complete.
    void endDelivery();
    /// Nothing more will come: emits everything.
    void finish();

    struct Figures {
        std::int64_t records = 0;    ///< taken
        std::int64_t overheadNs = 0; ///< the tracer's own
    };
    // Each since its last call.
    Figures takeFigures();
    /// Records of work without times, which gave no event.
    std::int64_t takeUntimed();
    /// How far device work seemed to begin before the call that submitted it: what the clocks are wrong by at least.
    std::int64_t takeDeviceLead();

private:
    struct Origin {
        trace::Scope scope;
        std::int64_t callBegin = 0; ///< 0: not reported
        bool placed = false;
    };
    struct Waiting {
        DeviceRecord record;
        std::string name; ///< of a kernel: the record's view does not last
        std::int64_t delivery = 0;
    };

    Origin& originOf(std::uint32_t correlation);
    void wait(const DeviceRecord& record, std::string_view name = {});
    void release(bool everything);
    void emit(const Waiting& waiting, const Origin& origin);
    trace::KernelId kernelOf(const std::string& name, trace::TimeNs at);
    void forgetOld();

    void on(const CopyRecord& record);
    void on(const KernelRecord& record);
    void on(const WaitRecord& record);
    void on(const CallRecord& record);
    void on(const ScopeRecord& record);
    void on(const OverheadRecord& record);
    void put(const CopyRecord& record, const Waiting& waiting, const Origin& origin);
    void put(const KernelRecord& record, const Waiting& waiting, const Origin& origin);
    void put(const WaitRecord& record, const Waiting& waiting, const Origin& origin);

    trace::Tracer& m_tracer;
    ClockAlignment m_alignment;
    Figures m_figures;
    std::int64_t m_untimed = 0;
    std::int64_t m_deviceLeadNs = 0;
    std::int64_t m_delivery = 0;
    std::vector<Waiting> m_waiting;
    std::unordered_map<std::uint32_t, Origin> m_origins;      ///< by correlation
    std::deque<std::vector<std::uint32_t>> m_recent{{}};      ///< correlations by the delivery that first told of them
    std::unordered_map<std::string, trace::KernelId> m_names; ///< as linked
};

/// The name as written in the source, without its parameter list; as it is where it cannot be read.
std::string readableKernelName(const std::string& linked);

} // namespace moescope::gpu
