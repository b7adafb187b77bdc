#pragma once
#include "engine/backend/cpu/activations.h"
#include "engine/model/model_config.h"

#include <vector>

namespace moescope::backend {

/// Rows of floats, each padded so that kernels may write whole groups of 16.
class FloatRows {
public:
    FloatRows() = default;
    FloatRows(int rows, int columns)
        : m_stride(roundUp(static_cast<std::size_t>(columns), kGroupRows)),
          m_floats(static_cast<std::size_t>(rows) * m_stride) {}
    float* row(int index) { return m_floats.data() + static_cast<std::size_t>(index) * m_stride; }
    std::int64_t bytes() const { return static_cast<std::int64_t>(m_floats.size() * sizeof(float)); }

private:
    std::size_t m_stride = 0;
    std::vector<float> m_floats;
};

/// Where a pass keeps what flows between its stages; [rows] is the pass's token, [rows * topK] a token's use of an expert.
struct PassBuffers {
    PassBuffers(const model::ModelConfig& config, int rows)
        : hidden(rows, config.hidden), normed(rows, config.hidden), queries(rows, config.heads * config.headSize),
          keys(rows, config.kvHeads * config.headSize), values(rows, config.kvHeads * config.headSize),
          attended(rows, config.heads * config.headSize), projected(rows, config.hidden), routed(rows, config.experts),
          inner(rows * config.topK, config.expertWidth), up(rows * config.topK, config.expertWidth),
          outputs(rows * config.topK, config.hidden), last(1, config.hidden), scores(1, config.vocabulary) {}

    std::int64_t bytes() const {
        return hidden.bytes() + normed.bytes() + queries.bytes() + keys.bytes() + values.bytes() + attended.bytes() +
               projected.bytes() + routed.bytes() + inner.bytes() + up.bytes() + outputs.bytes() + last.bytes() +
               scores.bytes();
    }

    FloatRows hidden;   ///< the residual stream
    Activations normed; ///< input of attention, later of router and experts
    FloatRows queries;
    FloatRows keys;
    FloatRows values;
    Activations attended;
    FloatRows projected;
    FloatRows routed;
    Activations inner; ///< silu(gate) * up
    FloatRows up;
    FloatRows outputs; ///< of experts, before they are weighted and summed
    Activations last;  ///< input of the head
    FloatRows scores;  ///< logits
};

} // namespace moescope::backend
