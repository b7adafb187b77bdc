#pragma once
#include <cstdint>

namespace moescope::gpu {

/// Copies pinned memory of a known size to the GPU and waits for it, so that one can see which counter counts it. Uses the
/// calling thread's context through the driver, opened at run time. Returns the bytes, 0 if it could not.
std::int64_t copyKnownBytes();

} // namespace moescope::gpu
