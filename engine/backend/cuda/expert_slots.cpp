#include "engine/backend/cuda/expert_slots.h"

#include "engine/backend/cuda/gpu.h"

#include <algorithm>
#include <fmt/core.h>
#include <stdexcept>

namespace moescope::backend::cuda {
namespace {

// Marks between two rests of the compute stream: at most one per expert of a layer. An older mark's event would be a later
// one by then, which only means to wait longer.
constexpr std::size_t kMarks = 256;

} // namespace

ExpertSlots::ExpertSlots(std::size_t slotBytes, int most)
    : m_slotBytes(slotBytes), m_most(most), m_range(slotBytes * static_cast<std::size_t>(most), slotBytes),
      m_lastUse(static_cast<std::size_t>(most), 0) {
    m_marks.reserve(kMarks);
    for (std::size_t i = 0; i < kMarks; ++i)
        m_marks.emplace_back();
}

int ExpertSlots::mostNow() const {
    return memoryNow().mostSlots(bytes(), m_slotBytes, m_range.step(), m_most);
}

void ExpertSlots::reserve(int count) {
    if (const int most = mostNow(); count > m_count && count > most)
        throw std::runtime_error(fmt::format(
            "{} experts need {:.1f} GB of GPU memory, and only {} ({:.1f} GB) fit; choose a cache "
            "of at most that many experts.",
            count, 1e-9 * static_cast<double>(m_slotBytes) * count, most, 1e-9 * static_cast<double>(m_slotBytes) * most));
    if (count < m_count)
        check(cudaDeviceSynchronize(), "come to rest");
    m_range.resize(static_cast<std::size_t>(count) * m_slotBytes);
    m_bytes.store(m_range.size(), std::memory_order_relaxed);
    m_count = count;
}

void ExpertSlots::noteAll() {
    std::fill_n(m_lastUse.begin(), m_count, m_uses);
}

void ExpertSlots::mark(const Stream& compute) {
    m_marks[m_uses % kMarks].record(compute);
    ++m_uses;
}

void ExpertSlots::waitUntilUnused(int slot, const Stream& copies) const {
    const std::uint64_t use = m_lastUse[static_cast<std::size_t>(slot)];
    if (use >= m_doneUses.load(std::memory_order_acquire))
        check(cudaStreamWaitEvent(copies.get(), m_marks[use % kMarks].get(), 0), "wait for an event");
}

} // namespace moescope::backend::cuda
