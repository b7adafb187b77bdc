#include "engine/backend/cpu/activations.h"

#include "engine/backend/cpu/vector_kernels.h"

namespace moescope::backend {

Activations::Activations(int rows, int columns)
    : m_columns(columns), m_stride(roundUp(static_cast<std::size_t>(columns), kBlockColumns)),
      m_blocks(m_stride / kBlockColumns) {
    const auto count = static_cast<std::size_t>(rows);
    m_values.assign(count * m_stride, 0.0F);
    m_digits.assign(count * m_stride * 2, 0);
    m_scales.assign(count * m_blocks, 0.0F);
    m_corrections.assign(count * m_blocks, 0);
    m_sums.assign(count * m_blocks * 2, 0);
}

void Activations::quantise(int row, int column, int count) {
    const std::size_t block = offset(row, m_blocks) + static_cast<std::size_t>(column / kBlockColumns);
    quantiseBlocks(values(row) + column, count / kBlockColumns, m_digits.data() + offset(row, m_stride * 2) + column * 2,
                   m_scales.data() + block, m_corrections.data() + block, m_sums.data() + 2 * block);
}

ActivationRow Activations::row(int index) const {
    const std::size_t block = offset(index, m_blocks);
    return {values(index), m_digits.data() + offset(index, m_stride * 2), m_scales.data() + block, m_corrections.data() + block,
            m_sums.data() + 2 * block};
}

std::int64_t Activations::bytes() const {
    return static_cast<std::int64_t>(m_values.size() * sizeof(float) + m_digits.size() + m_scales.size() * sizeof(float) +
                                     (m_corrections.size() + m_sums.size()) * sizeof(std::int32_t));
}

} // namespace moescope::backend
