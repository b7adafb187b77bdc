#pragma once
#include "engine/expert/expert_mover.h"

#include <atomic>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <thread>
#include <vector>

namespace moescope::expert {

/// A loader whose experts are made-up bytes, so that a test can see whether a slot holds the expert it should. The slots are
/// plain memory: a thread sanitizer sees it if mover and engine touch one at the same time.
class SlotMemory final : public ExpertLoader {
public:
    SlotMemory(int slots, int blocks, int blockBytes)
        : m_blocks(blocks), m_blockBytes(blockBytes),
          m_slots(static_cast<std::size_t>(slots), std::vector<unsigned char>(static_cast<std::size_t>(blocks * blockBytes))) {}

    std::int64_t expertBytes(trace::ExpertKey) const override { return std::int64_t{m_blocks} * m_blockBytes; }
    int blocks(trace::ExpertKey) const override { return m_blocks; }
    std::int64_t loadBlock(trace::ExpertKey key, int slot, int block) override {
        while (loads.load() >= permitted.load())
            std::this_thread::yield();
        if (failAt >= 0 && loads.load() == failAt)
            throw std::runtime_error("The model file cannot be read any more.");
        auto* begin = m_slots[static_cast<std::size_t>(slot)].data() + block * m_blockBytes;
        std::memset(begin, mark(key, block), static_cast<std::size_t>(m_blockBytes));
        ++loads;
        return m_blockBytes;
    }

    bool holds(int slot, trace::ExpertKey key) const {
        const auto& bytes = m_slots.at(static_cast<std::size_t>(slot));
        for (int block = 0; block < m_blocks; ++block)
            for (int i = 0; i < m_blockBytes; ++i)
                if (bytes[static_cast<std::size_t>(block * m_blockBytes + i)] != mark(key, block))
                    return false;
        return true;
    }

    /// Lets the loader go on until it has copied `count` blocks in total, and waits until it has.
    void permitAndAwait(int count) {
        permitted = count;
        while (loads.load() < count)
            std::this_thread::yield();
    }
    void permitAll() { permitted = std::numeric_limits<int>::max(); }

    std::atomic<int> loads = 0;                                   ///< blocks so far
    std::atomic<int> permitted = std::numeric_limits<int>::max(); ///< the loader waits before it copies more blocks
    int failAt = -1;                                              ///< throw instead of this load

private:
    static unsigned char mark(trace::ExpertKey key, int block) {
        return static_cast<unsigned char>(1 + key.layer.value * 31 + key.expert.value * 7 + block);
    }

    int m_blocks;
    int m_blockBytes;
    std::vector<std::vector<unsigned char>> m_slots;
};

} // namespace moescope::expert
