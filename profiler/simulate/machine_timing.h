#pragma once
#include "engine/expert/expert_mover.h"
#include "profiler/simulate/recording.h"

#include <array>

namespace moescope::simulate {

/// What moving experts cost on the recording machine, besides what the link model says. Means over the recording, in
/// nanoseconds; 0 where it shows nothing.
struct MoveCosts {
    trace::TimeNs request = 0;  ///< the decoder's time to ask for one transfer
    trace::TimeNs handOver = 0; ///< from a request to the first byte when the link was idle
    trace::TimeNs gap = 0;      ///< between two transfers that wait in line
    trace::TimeNs notice = 0;   ///< from the last byte to the decoder's going on, when it waited
    trace::TimeNs late = 0;     ///< of a copy over an emulated link beyond latency + bytes / bandwidth
    trace::TimeNs copy = 0;     ///< of one expert as fast as the machine copies; a link cannot be faster than that
};

/// Time of an expert's computation, by how it came: one that was just copied is still in the processor's caches.
struct ComputeCosts {
    double hit = 0; ///< nanoseconds per expert and pass
    double miss = 0;
};

/// Measured once per recording. Immutable; any thread.
class MachineTiming {
public:
    explicit MachineTiming(const Recording& recording);

    const MoveCosts& moves(trace::Phase phase) const { return m_moves[static_cast<std::size_t>(phase)]; }
    const ComputeCosts& compute() const { return m_compute; }
    /// Time in which the recording process itself was put aside while it waited for an expert of this layer (an index of
    /// Recording::layers): no link explains such a wait, so it is kept as lost in whatever scenario.
    trace::TimeNs heldUpNs(std::size_t layer) const { return m_heldUp[layer]; }
    trace::TimeNs heldUpTotalNs() const;
    /// The machine's own copy speed is known: without it, a link that is not emulated cannot be simulated.
    bool copySpeedKnown() const { return m_copySpeedKnown; }

private:
    void measureCopies(const Recording& recording);
    void measureHandOver(const Recording& recording);
    void measureWaits(const Recording& recording);
    void measureRequests(const Recording& recording);
    void measureCompute(const Recording& recording);
    void measureHoldUps(const Recording& recording);

    std::array<MoveCosts, 2> m_moves; ///< by trace::Phase
    std::array<trace::TimeNs, 2> m_typicalCopy{};
    ComputeCosts m_compute;
    std::vector<trace::TimeNs> m_heldUp; ///< [Recording::layers]
    bool m_copySpeedKnown = false;
};

/// Latency plus bytes over bandwidth, of a whole expert. 0 for a link that is not emulated.
trace::TimeNs linkNs(const expert::Link& link, std::int64_t bytes);

} // namespace moescope::simulate
