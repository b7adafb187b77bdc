#pragma once
#include "profiler/analysis/snapshot.h"

#include <array>
#include <optional>
#include <vector>

namespace moescope::ui {

/// Parts that a pass's time is stacked of, from the bottom.
enum class TokenPart : std::uint8_t { Attention, Router, Experts, Stall, Output, Other };
inline constexpr int kTokenParts = 6;
using TokenParts = std::array<trace::TimeNs, kTokenParts>;

/// The parts of one pass; they add up to its duration. Attention holds the embedding, Output the sampler.
TokenParts partsOf(const analysis::PassRecord& pass);

enum class TokenOrder : std::uint8_t { Index, Time, Stall, Bytes };
/// Passes (indices) in drawing order: by index, or largest first.
std::vector<int> orderedPasses(const analysis::Snapshot& snapshot, TokenOrder order);

/// The height of the axis in nanoseconds, such that ordinary decode bars fill it: what is higher is clipped and marked. With
/// few or no decode passes the highest pass counts.
trace::TimeNs axisTop(const analysis::Snapshot& snapshot);

} // namespace moescope::ui
