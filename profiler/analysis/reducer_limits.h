#pragma once
#include "engine/trace/ids.h"

#include <cstddef>

namespace moescope::analysis {

/// A session comes from outside and events can be lost: a token may be some way ahead of what is known, but not so far that
/// a made-up number would fill the memory.
inline bool plausible(trace::TokenIndex token, std::size_t known) {
    constexpr std::size_t kLargestGap = 1u << 16;
    return token.valid() && static_cast<std::size_t>(token.value) <= known + kLargestGap;
}

inline bool inside(trace::ExpertKey key, int layers, int experts) {
    return key.layer.valid() && key.layer.value < layers && key.expert.valid() && key.expert.value < experts;
}

} // namespace moescope::analysis
