#pragma once
#include "engine/backend/backend.h"
#include "engine/backend/cuda/device_memory.h"
#include "engine/backend/cuda/kernels.h"
#include "engine/model/model_config.h"

namespace moescope::backend::cuda {

/// Activations in device memory, with their quantised twins.
class Activations {
public:
    Activations(int rows, int columns);
    const ActivationView& view() const { return m_view; }
    std::int64_t bytes() const { return m_values.bytes() + m_digits.bytes() + m_blocks.bytes(); }

private:
    DeviceArray<float> m_values;
    DeviceArray<std::int8_t> m_digits;
    DeviceArray<BlockScale> m_blocks;
    ActivationView m_view;
};

/// What kernels of a single token's pass read of it; lies behind its embedding.
struct TokenState {
    std::int32_t position = 0;
    std::uint32_t number = 0; ///< of the pass
};

/// Where a pass keeps what flows between its stages, on the GPU and towards the host; `rows` tokens at most.
struct PassMemory {
    /// Router outputs of the layer itself and of as many layers ahead.
    static constexpr int kTargets = 4;

    PassMemory(const model::ModelConfig& config, int rows);
    std::int64_t bytes() const; ///< on the GPU
    AttentionShape shapeOf(std::span<const PassToken> tokens) const;
    const TokenState* token() const { return reinterpret_cast<const TokenState*>(hidden.data() + normed.view().columns); }

    AttentionShape shape;
    DeviceArray<float> hidden;    ///< [rows][hidden], the residual stream; a single row's TokenState behind it
    Activations normed;           ///< [rows][hidden], input of attention, later of router, experts and head
    DeviceArray<float> projected; ///< [rows][queries, keys, values]
    DeviceArray<float> partial;   ///< of attention
    Activations attended;         ///< [rows][heads * size]
    Activations inner;            ///< [rows * topK][width]
    DeviceArray<float> outputs;   ///< [rows * topK][hidden], of experts
    DeviceArray<float> scores;    ///< [vocabulary]
    DeviceArray<float> keys;      ///< cache, [layers][kvHeads][positions][size]
    DeviceArray<float> values;    ///< likewise
    DeviceArray<float> cosines;   ///< [positions][size / 2]
    DeviceArray<float> sines;
    DeviceArray<unsigned> finished; ///< [kvHeads], of attention in one launch
    PinnedArray<float> embedded;    ///< [rows][hidden], on its way to the GPU
    PinnedArray<float> routed;      ///< [targets][rows][experts], written by the GPU
    PinnedArray<float> hostScores;  ///< [vocabulary]
};

} // namespace moescope::backend::cuda
