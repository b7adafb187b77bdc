#pragma once
#include "engine/trace/event.h"
#include "profiler/session/session_reader.h"

#include <optional>
#include <span>
#include <vector>

namespace moescope::session {

/// An empty grid of the model's shape.
ResidencyGrid emptyResidency(int layers, int experts);

/// The one rule by which events change residency: asked for and absent, or prefetched = loading; completed transfer or hit =
/// resident; cancelled, evicted or computed in place = absent. Keys outside the grid change nothing.
void foldResidency(ResidencyGrid& grid, const trace::Event& event);

/// Four cells per byte, the first in the lowest bits; see FORMAT.md.
std::vector<std::byte> packResidency(const ResidencyGrid& grid);
/// Nothing when the bytes do not fit the shape or hold an unknown state.
std::optional<std::vector<std::uint8_t>> unpackResidency(std::span<const std::byte> bytes, std::size_t cells);

} // namespace moescope::session
