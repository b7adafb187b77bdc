#pragma once
#include "engine/backend/cuda/device_range.h"
#include "engine/backend/cuda/stream.h"

#include <atomic>
#include <optional>
#include <vector>

namespace moescope::backend::cuda {

/// The fast tier: slots in one range of device addresses, and when the compute stream last used each. reserve() and used()
/// on the engine's thread; waitUntilUnused() on the mover's, for a slot that the cache has given to it.
class ExpertSlots {
public:
    ExpertSlots(std::size_t slotBytes, int most);

    /// Grows or shrinks; kept slots keep their contents. Throws std::runtime_error with one sentence if that many do not fit
    /// the GPU's memory beside what others use.
    void reserve(int count);
    /// How many slots there could be now. Any thread.
    int mostNow() const;
    int count() const { return m_count; }
    std::size_t slotBytes() const { return m_slotBytes; }
    std::byte* data(int slot) const { return m_range.data() + static_cast<std::size_t>(slot) * m_slotBytes; }
    std::int64_t bytes() const { return static_cast<std::int64_t>(m_bytes.load(std::memory_order_relaxed)); }

    /// The compute stream's work so far reads these slots. One call per launch: note() each slot, then mark().
    void note(int slot) { m_lastUse[static_cast<std::size_t>(slot)] = m_uses; }
    void noteAll();
    void mark(const Stream& compute);
    /// The compute stream has come to rest: everything noted so far is over.
    void allDone() { m_doneUses.store(m_uses, std::memory_order_release); }
    /// Makes later work of the stream wait for the slot's last use, if that may still run.
    void waitUntilUnused(int slot, const Stream& copies) const;

private:
    std::size_t m_slotBytes;
    int m_most;
    int m_count = 0;
    DeviceRange m_range;
    std::atomic<std::size_t> m_bytes = 0; ///< of m_range
    std::vector<std::uint64_t> m_lastUse; ///< number of the mark that follows the slot's last use
    std::uint64_t m_uses = 1;
    std::atomic<std::uint64_t> m_doneUses = 0; ///< marks below it are over
    std::vector<Event> m_marks;                ///< ring
};

} // namespace moescope::backend::cuda
