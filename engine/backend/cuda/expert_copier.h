#pragma once
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

    /// Begins a block; at most kAtOnce may be under way.
    void begin(trace::ExpertKey key, int slot, int block, bool urgent);
    /// Waits for the oldest block that was begun.
    expert::BlockMoved end();

private:
    struct Flight {
        Event begun{cudaEventDefault};
        Event ended{cudaEventDefault};
        PinnedArray<std::byte> staging; ///< only where experts stay in the file
        std::int64_t bytes = 0;
    };

    const HostExperts& m_experts;
    ExpertSlots& m_slots;
    Stream m_urgent{Stream::Priority::High};
    Stream m_guesses{Stream::Priority::Low};
    std::array<Flight, kAtOnce> m_flights;
    std::uint64_t m_begun = 0;
    std::uint64_t m_ended = 0;
};

} // namespace moescope::backend::cuda
