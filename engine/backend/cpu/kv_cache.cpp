#include "engine/backend/cpu/kv_cache.h"

#include "engine/backend/cpu/attention_kernels.h"
#include "engine/backend/cpu/weight_layout.h"

#include <cstring>

namespace moescope::backend {

KvCache::KvCache(const Shape& shape)
    : m_shape(shape),
      m_perTensor(roundUp(static_cast<std::size_t>(shape.positions), kTilePositions) * static_cast<std::size_t>(shape.size)),
      m_region(static_cast<std::size_t>(shape.layers) * static_cast<std::size_t>(shape.heads) * 2 * m_perTensor *
               sizeof(float)),
      m_floats(reinterpret_cast<float*>(m_region.data())) {}

void KvCache::store(int layer, int head, int position, const float* key, const float* value) {
    const std::ptrdiff_t size = m_shape.size;
    const std::ptrdiff_t inTile = position % kTilePositions;
    float* keyTile = m_floats + headOffset(layer, head) + (position - inTile) * size + inTile;
    for (std::ptrdiff_t i = 0; i < size; ++i)
        keyTile[i * kTilePositions] = key[i];
    std::memcpy(m_floats + headOffset(layer, head) + m_perTensor + position * size, value,
                static_cast<std::size_t>(size) * sizeof(float));
}

} // namespace moescope::backend
