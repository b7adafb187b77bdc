#pragma once
#include "engine/model/tensor_stream.h"

#include <cstdint>
#include <functional>
#include <optional>

namespace moescope::synthesis {

/// What the elements of a made-up tensor are.
struct WeightForm {
    double deviation = 0;      ///< standard deviation of random elements around 0; 0: every element is `constant`
    float constant = 0;        ///< see above
    std::optional<float> lead; ///< value of the first 32 columns of every row; absent: like the others
    /// Rows of zeros; absent: none.
    std::function<bool(std::int64_t row)> silent;
};

/// Makes rows of one tensor. Every block of 32 elements is a pure function of seed, tensor name and the block's index (a
/// SplitMix64 counter), so that rows may be made in any order and by any number of threads. Random elements are uniform codes
/// with block scales of either sign within a quarter of their mean (Q4_0, Q8_0), or normally distributed (F16, F32). Constant
/// elements are exact up to the rounding of a half. Rows must be whole blocks of 32. Any thread.
class RandomWeights {
public:
    /// Throws std::invalid_argument when rows are no whole blocks or the type is none of F32, F16, Q8_0, Q4_0.
    RandomWeights(const model::PlannedTensor& tensor, WeightForm form, std::uint64_t seed);
    void fill(const model::RowRange& range, std::span<std::byte> out) const;

private:
    struct Draws;
    void fillBlock(std::int64_t block, std::byte* out) const;
    void putConstant(float value, std::byte* out) const;
    void putRandom(Draws draws, std::byte* out) const;

    model::TensorType m_type;
    WeightForm m_form;
    std::int64_t m_blocksPerRow;
    std::int64_t m_rowBytes;
    std::size_t m_blockBytes; ///< of 32 elements
    std::uint64_t m_key;
    /// Scales of either sign (quantised) or quantiles of the normal distribution (floats), as stored: 2 or 4 bytes each.
    std::vector<std::uint32_t> m_table;
};

} // namespace moescope::synthesis
