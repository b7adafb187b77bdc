#pragma once
#include "engine/backend/cpu/weight_layout.h"

#include <cstdint>
#include <vector>

namespace moescope::backend {

/// An activation is an integer of two digits in this base: 15 bits in two 8-bit operands. One digit, as is usual, costs half
/// the instructions, but decoding waits for weights anyway, and the second digit makes quantised weights the only
/// quantisation that shows in the results. Odd, so that both digits stay within +-127.
inline constexpr int kDigitBase = 255;
inline constexpr int kLargestDigits = 127 * kDigitBase + 127;

/// Some formats have a scale or a least value for as few columns.
inline constexpr int kSumColumns = 16;

/// One token's input to a matrix, in both forms that kernels read. A view.
struct ActivationRow {
    const float* values = nullptr;             ///< [columns]
    const std::int8_t* digits = nullptr;       ///< [columns / 32][high, low][32], each -127..127
    const float* scales = nullptr;             ///< [columns / 32]; value = (kDigitBase * high + low) * scale
    const std::int32_t* corrections = nullptr; ///< [columns / 32], -128 * sum of the block's integers
    const std::int32_t* sums = nullptr;        ///< [columns / 16], of the integers
};

/// The activations of a pass at one place of the model: [rows] of `columns` floats with their quantised twins. Owned by the
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
    std::vector<std::int8_t> m_digits;
    std::vector<float> m_scales;
    std::vector<std::int32_t> m_corrections;
    std::vector<std::int32_t> m_sums;
};

} // namespace moescope::backend
