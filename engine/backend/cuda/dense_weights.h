#pragma once
#include "engine/backend/cuda/device_memory.h"
#include "engine/backend/cuda/weight_rows.h"
#include "engine/model/gguf_file.h"
#include "engine/model/model_config.h"

#include <vector>

namespace moescope::backend::cuda {

/// Everything but embedding and experts, in one allocation of device memory. Owned by the CUDA backend.
class DenseWeights {
public:
    struct Layer {
        const float* attentionNorm = nullptr;
        const float* expertNorm = nullptr;
        DeviceMatrix query;
        DeviceMatrix key;
        DeviceMatrix value;
        DeviceMatrix output;
        DeviceMatrix router;
    };

    DenseWeights(const model::GgufFile& file, const model::ModelConfig& config);

    const Layer& layer(int index) const { return m_layers[static_cast<std::size_t>(index)]; }
    const float* finalNorm() const { return m_finalNorm; }
    const DeviceMatrix& head() const { return m_head; }
    std::int64_t bytes() const { return m_memory.bytes(); }

private:
    std::vector<Layer> m_layers;
    const float* m_finalNorm = nullptr;
    DeviceMatrix m_head;
    GpuMemory m_memory;
};

} // namespace moescope::backend::cuda
