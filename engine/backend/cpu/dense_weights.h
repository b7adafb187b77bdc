#pragma once
#include "engine/backend/cpu/memory_region.h"
#include "engine/backend/cpu/weight_layout.h"
#include "engine/model/model_config.h"

#include <vector>

namespace moescope::backend {

/// Everything that every token reads: norms, attention, routers and head, packed once at load. Immutable afterwards.
class DenseWeights {
public:
    struct Layer {
        std::vector<float> attentionNorm;
        std::vector<float> expertNorm;
        PackedMatrix query;
        PackedMatrix key;
        PackedMatrix value;
        PackedMatrix output;
        PackedMatrix router;
    };

    DenseWeights(const model::GgufFile& file, const model::ModelConfig& config);

    const Layer& layer(int index) const { return m_layers[static_cast<std::size_t>(index)]; }
    const std::vector<float>& finalNorm() const { return m_finalNorm; }
    const PackedMatrix& head() const { return m_head; }
    std::int64_t bytes() const { return static_cast<std::int64_t>(m_region.size()); }

private:
    std::vector<Layer> m_layers;
    std::vector<float> m_finalNorm;
    PackedMatrix m_head;
    MemoryRegion m_region;
};

} // namespace moescope::backend
