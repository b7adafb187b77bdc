#pragma once
#include "engine/backend/cuda/device_times.h"
#include "engine/backend/cuda/expert_slots.h"
#include "engine/backend/cuda/host_experts.h"
#include "engine/expert/expert_mover.h"

#include <array>

namespace moescope::backend::cuda {

/// Brings blocks of experts from the host tier into slots, on streams of its own: urgent ones before guesses. Used by one
/// thread at a time, the mover's.
class ExpertCopier {
public:
    /// Blocks under way at once: one on the link, one behind it, so that the link never waits for the host.
    static constexpr int kAtOnce = 2;

    ExpertCopier(const HostExperts& experts, ExpertSlots& slots);

    /// Begins a block, handed over at `now`; at most kAtOnce may be under way.
    void begin(trace::ExpertKey key, int slot, int block, bool urgent, trace::TimeNs now);
    /// Copies one block and waits for it; returns its bytes.
    std::int64_t load(trace::ExpertKey key, int slot, int block);
    /// Waits for the oldest block that was begun. Its times come from events on the GPU, see DeviceTimes.
    expert::BlockMoved end(const trace::Clock& clock);

private:
    struct Flight {
        Event begun{cudaEventDefault};
        Event ended{cudaEventDefault};
        PinnedArray<std::byte> staging; ///< only where experts stay in the file
        std::int64_t bytes = 0;
        trace::TimeNs handedAt = 0;
        std::size_t epoch = 0;
    };
    /// A stretch of time in which the GPU's events are counted from one of them, as their differences are told in floats.
    struct Epoch {
        Event origin{cudaEventDefault};
        trace::TimeNs beganAt = -1; ///< -1: never
        DeviceTimes times;
    };
    std::int64_t sinceOrigin(const Event& event, const Epoch& epoch) const;

    const HostExperts& m_experts;
    ExpertSlots& m_slots;
    Stream m_urgent{Stream::Priority::High};
    Stream m_guesses{Stream::Priority::Low};
    std::array<Flight, kAtOnce> m_flights;
    std::array<Epoch, 2> m_epochs; ///< the present one, and that of flights begun before it
    std::size_t m_epoch = 0;
    std::uint64_t m_begun = 0;
    std::uint64_t m_ended = 0;
};

} // namespace moescope::backend::cuda
