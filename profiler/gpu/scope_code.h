#pragma once
#include "engine/trace/scope.h"

#include <cstdint>

namespace moescope::gpu {

/// A scope's place as one number, for tracers that carry only numbers: token, layer, expert (each + 1, so that 0 is "none")
/// and stage in 25, 13, 17 and 4 bits. Exact for every id that a session may hold (see session/schema.h). The
/// transfer travels as a number of its own.
std::uint64_t encodePlace(const trace::Scope& scope);
std::uint64_t encodeTransfer(trace::TransferId transfer);
trace::TransferId decodeTransfer(std::uint64_t code);
/// The scope without its transfer. Any number is accepted; one that encodePlace cannot make gives an unknown place.
trace::Scope decodePlace(std::uint64_t code);

} // namespace moescope::gpu
