#include "engine/backend/cuda/row_input.h"

#include "engine/backend/cuda/row_dots.h"
#include "engine/backend/cuda/weight_rows.h"

#include <cstring>

namespace moescope::backend::cuda {

using model::TensorType;

void RowInput::arrange(TensorType type, int columns, const ActivationRow& x) {
    const bool fourBits = type == TensorType::Q4_0;
    const bool quantised = fourBits || type == TensorType::Q8_0;
    m_dot = RowDots::best(type);
    m_type = type;
    m_columns = columns;
    m_values = x.values;
    const int perChunk = fourBits                  ? kBlockColumns
                         : quantised               ? kBlockColumns / 2
                         : type == TensorType::F32 ? RowDots::kChunkBytes / 4
                                                   : RowDots::kChunkBytes / 2;
    m_chunks = columns / perChunk;
    if (!quantised)
        return;
    const auto padded = roundUp(static_cast<std::size_t>(m_chunks), RowDots::kGroup);
    const int planes = fourBits ? 4 : 2;
    m_digits.assign(padded * static_cast<std::size_t>(planes) * RowDots::kChunkBytes, 0);
    m_scales.assign(padded, 0.0F);
    m_corrections.assign(padded, 0);
    for (int chunk = 0; chunk < m_chunks; ++chunk) {
        const int block = fourBits ? chunk : chunk / 2;
        const std::int8_t* digits = x.digits + static_cast<std::ptrdiff_t>(block) * 2 * kBlockColumns;
        const int half = fourBits ? 0 : chunk % 2 * 16;
        for (int plane = 0; plane < planes; ++plane) {
            // Of four bits: high of both halves, low of both halves. Of eight: high and low of the chunk's own half.
            const int from = fourBits ? plane * 16 : plane * kBlockColumns + half;
            std::memcpy(m_digits.data() + (static_cast<std::ptrdiff_t>(chunk / 4) * planes + plane) * 64 + chunk % 4 * 16,
                        digits + from, 16);
        }
        std::int32_t sum = 0;
        if (!fourBits)
            for (int i = 0; i < 16; ++i)
                sum += kDigitBase * digits[half + i] + digits[kBlockColumns + half + i];
        const auto at = static_cast<std::size_t>(chunk);
        m_scales[at] = x.scales[block];
        m_corrections[at] = fourBits ? x.corrections[block] / 16 : -128 * sum;
    }
}

} // namespace moescope::backend::cuda
