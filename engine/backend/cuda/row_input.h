#pragma once
#include "engine/backend/cpu/activations.h"
#include "engine/model/tensor_type.h"

#include <cstddef>
#include <vector>

namespace moescope::backend::cuda {

/// One token's activations, arranged for products with rows as the host tier stores them (weight_rows.h), on the processor. A
/// product adds up in the order in which a warp does (row_dots.cuh): 32 lanes take 16 bytes of the row each, in turn, and are
/// added pairwise at the end. So it has the GPU's bits. Any thread may multiply; one arranges.
class RowInput {
public:
    /// x must outlive the products: its columns are a multiple of 32.
    void arrange(model::TensorType type, int columns, const ActivationRow& x);
    float dot(const std::byte* row) const { return m_dot(*this, row); }

private:
    friend struct RowDots;
    using Dot = float (*)(const RowInput& x, const std::byte* row);

    Dot m_dot = nullptr;
    model::TensorType m_type = model::TensorType::F32;
    int m_columns = 0;
    int m_chunks = 0; ///< of 16 bytes, that a row has
    const float* m_values = nullptr;
    // Quantised types only; as many whole groups of 16 chunks as the row needs, zero beyond its end.
    std::vector<std::int8_t> m_digits;       ///< [4 chunks][planes][4][16]; planes: high and low digits of each half of a byte
    std::vector<float> m_scales;             ///< [chunks]
    std::vector<std::int32_t> m_corrections; ///< [chunks] what makes weights signed again
};

} // namespace moescope::backend::cuda
