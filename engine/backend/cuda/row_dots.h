#pragma once
// The products behind RowInput.
#include "engine/backend/cuda/row_input.h"

namespace moescope::backend::cuda {

struct RowDots {
    /// For this machine: the best that it runs.
    static RowInput::Dot best(model::TensorType type);
    /// Runs everywhere.
    static RowInput::Dot plain(model::TensorType type);

    static constexpr int kChunkBytes = 16;
    static constexpr int kGroup = 16; ///< chunks that are taken together
    static constexpr int kLanes = 32; ///< of a warp

    // Row after row, the same for the translation units that hold the kernels.
    static int columns(const RowInput& x) { return x.m_columns; }
    static int chunks(const RowInput& x) { return x.m_chunks; }
    static const float* values(const RowInput& x) { return x.m_values; }
    static model::TensorType type(const RowInput& x) { return x.m_type; }
    static const std::int8_t* digits(const RowInput& x) { return x.m_digits.data(); }
    static const float* scales(const RowInput& x) { return x.m_scales.data(); }
    static const std::int32_t* corrections(const RowInput& x) { return x.m_corrections.data(); }
};

#if defined(__x86_64__)
namespace avx512 {
bool runs();
float q4Dot(const RowInput& x, const std::byte* row);
float q8Dot(const RowInput& x, const std::byte* row);
} // namespace avx512
#endif

} // namespace moescope::backend::cuda
