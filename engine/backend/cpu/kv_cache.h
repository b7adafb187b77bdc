#pragma once
#include "engine/backend/cpu/memory_region.h"

#include <cstdint>

namespace moescope::backend {

/// Keys and values of every layer in float32. Keys lie in tiles of 16 positions (see attention_kernels.h), values by
/// position. Written by the thread that owns the head in a pass; owned by the CPU backend.
class KvCache {
public:
    struct Shape {
        int layers = 0;
        int heads = 0;     ///< key/value heads
        int size = 0;      ///< of a head
        int positions = 0; ///< capacity
    };
    explicit KvCache(const Shape& shape);

    void store(int layer, int head, int position, const float* key, const float* value);
    const float* keys(int layer, int head) const { return m_floats + headOffset(layer, head); }
    const float* values(int layer, int head) const { return m_floats + headOffset(layer, head) + m_perTensor; }
    std::int64_t bytes() const { return static_cast<std::int64_t>(m_region.size()); }

private:
    std::size_t headOffset(int layer, int head) const {
        return (static_cast<std::size_t>(layer) * static_cast<std::size_t>(m_shape.heads) + static_cast<std::size_t>(head)) *
               2 * m_perTensor;
    }

    Shape m_shape;
    std::size_t m_perTensor; ///< floats of one head's keys (or values) in one layer
    MemoryRegion m_region;
    float* m_floats;
};

} // namespace moescope::backend
