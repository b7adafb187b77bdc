#pragma once
#include "engine/backend/cpu/weight_layout.h"

#include <cstdint>
#include <vector>

namespace moescope::backend {

/// One token's input to a matrix, in both forms that kernels read. A view.
struct ActivationRow {
    const float* values = nullptr;             ///< [columns]
    const std::int8_t* quants = nullptr;       ///< [columns], -127..127; value = quant * scale of its block of 32
    const float* scales = nullptr;             ///< [columns / 32]
    const std::int32_t* corrections = nullptr; ///< [columns / 32], -128 * sum of the block's quants
};

/// The activations of a pass at one place of the model: [rows] of `columns` floats with their 8-bit twins. Owned by the
/// backend; rows are written by one pool thread each.
class Activations {
public:
    Activations() = default;
    Activations(int rows, int columns);

    int columns() const { return m_columns; }
    float* values(int row) { return m_values.data() + offset(row, m_stride); }
    const float* values(int row) const { return m_values.data() + offset(row, m_stride); }
    /// Quantises `count` values from `column` (a multiple of 32) on, as far as whole blocks go.
    void quantise(int row, int column, int count);
    ActivationRow row(int index) const;
    std::int64_t bytes() const;

private:
    static std::size_t offset(int row, std::size_t stride) { return static_cast<std::size_t>(row) * stride; }

    int m_columns = 0;
    std::size_t m_stride = 0; ///< columns rounded up to whole groups, so that kernels may write whole groups
    std::size_t m_blocks = 0;
    std::vector<float> m_values;
    std::vector<std::int8_t> m_quants;
    std::vector<float> m_scales;
    std::vector<std::int32_t> m_corrections;
};

} // namespace moescope::backend
