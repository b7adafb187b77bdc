#pragma once
#include "engine/policy/key_table.h"

#include <cstdint>

namespace moescope::policy {

/// What LCU and the weighted mixture know of each expert in the present sequence: in which step it was last asked for and how
/// often, and where the present step has got to. Part of a cache policy; one thread.
class StepLog {
public:
    struct Use {
        std::int64_t lastStep = 0; ///< of this sequence, from 1; 0 = not asked for yet
        std::int64_t count = 0;
    };

    void beginSequence() {
        m_uses.forEach([](Use& use) { use = {}; });
        m_step = 0;
        m_layer = -1;
    }
    void beginStep() {
        ++m_step;
        m_layer = -1;
    }
    void touched(trace::ExpertKey key) {
        noteLayer(key);
        m_layer = key.layer.value;
        Use& use = m_uses.at(key);
        use.lastStep = step();
        ++use.count;
    }
    /// Makes the layer known, so that distances are right before the first pass has gone through it.
    void noteLayer(trace::ExpertKey key) { m_layers = key.layer.value >= m_layers ? key.layer.value + 1 : m_layers; }

    const Use& of(trace::ExpertKey key) { return m_uses.at(key); }
    /// Steps of this sequence begun so far, at least 1.
    std::int64_t step() const { return m_step > 0 ? m_step : 1; }
    int layers() const { return m_layers; }
    /// Layers until the expert's turn comes, 0..layers-1, counted from the layer that asked last: (l_t - l_i + L) mod L.
    int distance(trace::ExpertKey key) const {
        const int now = m_layer < 0 ? 0 : m_layer;
        return m_layers > 0 ? (key.layer.value - now + m_layers) % m_layers : 0;
    }
    /// Whether its layer's latest turn, in this step or the one before, asked for it.
    bool usedLast(trace::ExpertKey key) {
        const Use& use = of(key);
        const bool hadTurn = key.layer.value <= m_layer;
        return use.lastStep > 0 && use.lastStep >= step() - (hadTurn ? 0 : 1);
    }

private:
    KeyTable<Use> m_uses;
    std::int64_t m_step = 0;
    int m_layer = -1; ///< that asked last in this step; -1: none yet
    int m_layers = 0;
};

} // namespace moescope::policy
