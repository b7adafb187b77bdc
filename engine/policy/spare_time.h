#pragma once
#include "engine/trace/ids.h"

#include <cstdint>
#include <vector>

namespace moescope::policy {

/// How many bytes may be guessed at without making demand wait: the time that the link has left between two layers' questions,
/// as measured over the last dozen steps or so, times the link's measured speed. AdapMoE counts on a compute window that hides
/// a copy; this asks how long the window is. Pure: it is told numbers. One thread.
class SpareTime {
public:
    /// A window per layer: from its question to the next layer's; the last one is from the end of a step to the next step's
    /// first question.
    explicit SpareTime(int layers) : m_spareNs(static_cast<std::size_t>(layers), kUnknown) {}

    /// A window lasted so long, and demand had the link for so much of it.
    void window(int layer, trace::TimeNs lasted, trace::TimeNs demand);
    /// A copy that was not interrupted.
    void copied(std::int64_t bytes, trace::TimeNs took);
    /// Another link: its speed is not known.
    void forgetSpeed() { m_bytesPerNs = 0; }

    /// The layer's budget in bytes, whole experts: a copy of which the larger half fits is worth its rest. 0 until both window
    /// and speed were measured.
    std::int64_t budget(int layer, std::int64_t expertBytes) const;
    double spareNs(int layer) const;                             ///< 0 or more; 0 while unknown
    double bytesPerSecond() const { return m_bytesPerNs * 1e9; } ///< 0 while unknown

private:
    static constexpr double kUnknown = -1;

    std::vector<double> m_spareNs; ///< [layers]
    double m_bytesPerNs = 0;
};

} // namespace moescope::policy
