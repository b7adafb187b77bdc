#pragma once
#include "profiler/session/lod_builder.h"
#include "profiler/session/residency.h"

namespace moescope::session {

struct Keyframe {
    std::int64_t seq = 0;
    trace::TimeNs at = 0;
    std::vector<std::byte> grid; ///< packed
    friend bool operator==(const Keyframe&, const Keyframe&) = default;
};

/// Events between two keyframes: 4096, or more where a keyframe is large, so that keyframes cost at most half a byte per event.
std::int64_t keyframeInterval(int layers, int experts);

/// What a session holds besides its events, so that no one has to read them all: level-of-detail rows and keyframes of
/// residency. Deterministic: the same events give the same rows, however they were batched. Used by the writer, and by the
/// integrity check to compute them anew.
class OverviewBuilder {
public:
    OverviewBuilder(int layers, int experts);
    void add(const Record& record);
    /// After the last event of a finished session.
    void finish() { m_lod.flushPartials(); }

    const std::vector<LodRow>& rows() const { return m_lod.rows(); }
    const std::vector<Keyframe>& keyframes() const { return m_keyframes; }
    const ResidencyGrid& residency() const { return m_residency; }
    /// Forgets rows and keyframes that have been stored.
    void clear();

private:
    LodBuilder m_lod;
    ResidencyGrid m_residency;
    std::int64_t m_interval;
    std::vector<Keyframe> m_keyframes;
};

} // namespace moescope::session
