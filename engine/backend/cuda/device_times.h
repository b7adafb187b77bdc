#pragma once
#include "engine/trace/ids.h"

#include <limits>

namespace moescope::backend::cuda {

/// When work ran on the GPU, in the host's time. What the host knows for sure is that work began no earlier than it was handed
/// over and ended no later than its end was seen; every piece of work bounds the difference of the two clocks from both sides,
/// and the tightest bounds hold for all. A host thread that woke late widens nothing. Pure: no device, no clock.
class DeviceTimes {
public:
    struct Work {
        trace::TimeNs handedAt = 0; ///< host
        trace::TimeNs seenAt = 0;   ///< host, after the work's end
        trace::TimeNs deviceBegin = 0;
        trace::TimeNs deviceEnd = 0;
    };
    struct Span {
        trace::TimeNs begin = 0; ///< the work began then or later
        trace::TimeNs end = 0;   ///< it had ended by then
    };

    /// Learns from this piece of work, and encloses it: within handedAt and seenAt, and too long by error() at most.
    Span hostSpan(const Work& work);
    /// Width of what the difference of the clocks lies in.
    trace::TimeNs error() const { return m_most - m_least; }

private:
    static constexpr trace::TimeNs kUnknown = std::numeric_limits<trace::TimeNs>::max() / 4;

    trace::TimeNs m_least = -kUnknown; ///< host - device is at least this
    trace::TimeNs m_most = kUnknown;   ///< and at most this
    trace::TimeNs m_learntAt = 0;      ///< host
};

} // namespace moescope::backend::cuda
