#pragma once
#include "engine/backend/cpu/memory_region.h"
#include "engine/backend/cuda/device_memory.h"
#include "engine/backend/cuda/weight_rows.h"
#include "engine/backend/host_memory.h"
#include "engine/model/gguf_file.h"
#include "engine/model/model_config.h"
#include "engine/trace/ids.h"

#include <array>
#include <vector>

namespace moescope::backend::cuda {

/// The slow tier: every expert of the model as one contiguous run of rows (gate, up, down), packed for the GPU once at load,
/// or on the way when experts stay in the file's mapping. Read-only after construction: any thread.
class HostExperts {
public:
    /// The file must outlive it. `threads` pack. Throws std::runtime_error with one sentence if the memory cannot be had.
    HostExperts(const model::GgufFile& file, const model::ModelConfig& config, HostMemory memory, int threads);

    /// One of an expert's three matrices.
    struct Part {
        const model::TensorView* tensor = nullptr; ///< all experts of the layer
        DeviceMatrix matrix;                       ///< without data
        std::size_t offset = 0;                    ///< within the expert
    };
    struct Layer {
        std::array<Part, 3> parts; ///< gate, up, down
        std::size_t bytes = 0;     ///< of one expert
        int rows = 0;              ///< of all three parts
        int blocks = 1;
        int firstBlocks = 1; ///< of these, that hold gate and up
    };
    /// Bytes [offset, offset + bytes) of an expert.
    struct Range {
        std::size_t offset = 0;
        std::size_t bytes = 0;
    };

    const Layer& layer(int index) const { return m_layers[static_cast<std::size_t>(index)]; }
    std::size_t slotBytes() const { return (m_mostBytes + 255) / 256 * 256; } ///< room for any expert, aligned
    std::size_t mostBlockBytes() const { return m_mostBlock; }                ///< of any block
    HostMemory memory() const { return m_memory; }
    Range block(int layer, int block) const;
    /// The packed expert; null where experts stay in the file.
    const std::byte* stored(trace::ExpertKey key) const;
    /// A packed row of gate, up or down (part 0, 1, 2), where it lies, or packed into scratch where experts stay in the file.
    const std::byte* row(trace::ExpertKey key, std::size_t part, int row, std::vector<std::byte>& scratch) const;
    /// Packs one block from the file.
    void packBlock(trace::ExpertKey key, int block, std::byte* out) const;

private:
    static Layer layoutOf(const model::GgufFile& file, const model::ModelConfig& config, int layer);
    static int rowOfBlock(const Layer& layer, int block);
    static std::size_t offsetOfRow(const Layer& layer, int row);
    void packAll(int threads);

    std::vector<Layer> m_layers;
    int m_experts;
    HostMemory m_memory;
    std::size_t m_mostBytes = 0;
    std::size_t m_mostBlock = 0;
    std::vector<GpuMemory> m_pinned;      ///< [layers]
    std::vector<MemoryRegion> m_pageable; ///< [layers]
};

} // namespace moescope::backend::cuda
