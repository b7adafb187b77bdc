#include "engine/backend/cuda/device_times.h"

#include <algorithm>

namespace moescope::backend::cuda {
namespace {

// Two crystals differ by less than 100 ppm: bounds learnt earlier are loosened by so much.
constexpr trace::TimeNs kDriftDivisor = 10'000;

} // namespace

DeviceTimes::Span DeviceTimes::hostSpan(const Work& work) {
    const trace::TimeNs drift = std::max<trace::TimeNs>(0, work.seenAt - m_learntAt) / kDriftDivisor + 1;
    m_learntAt = work.seenAt;
    const trace::TimeNs least = work.handedAt - work.deviceBegin;
    const trace::TimeNs most = work.seenAt - work.deviceEnd;
    m_least = std::max(m_least - drift, least);
    m_most = std::min(m_most + drift, most);
    if (m_least > m_most) { // the clocks ran apart faster than any crystal: what is sure is this piece of work alone
        m_least = least;
        m_most = most;
    }
    return {work.deviceBegin + m_least, work.deviceEnd + m_most};
}

} // namespace moescope::backend::cuda
