#pragma once
#include "engine/model/tensor_type.h"

#include <cstddef>
#include <span>

namespace moescope::model {

/// Encodes values, a whole number of blocks, into `out`: typeTraits(type).blockBytes per block. Bit for bit what ggml's
/// reference makes (quantize_row_q8_0_ref, quantize_row_q4_0_ref; block layouts: code_runs.h):
/// Q8_0: d = max|x| / 127, q = x/d rounded half away from zero; Q4_0: d = m / -8 with m the value of the greatest magnitude
/// (the first of equals), q = min(15, ⌊x/d + 8.5⌋); both multiply by 1/d in float before d is rounded to half. F16, BF16: to
/// the nearest, ties to even. False, with unspecified bytes, when a value is not finite or too large for the type,
/// or when the type is one that this program only reads.
[[nodiscard]] bool quantise(TensorType type, std::span<const float> values, std::byte* out);

} // namespace moescope::model
