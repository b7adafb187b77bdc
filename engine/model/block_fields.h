#pragma once
#include "engine/model/code_runs.h"
#include "engine/trace/routing_payload.h"

#include <cstring>

// How the splitters of code_runs.h read a block's fields.
namespace moescope::model {

inline unsigned byteAt(const std::byte* at, std::size_t index) {
    return std::to_integer<unsigned>(at[index]);
}

inline float halfAt(const std::byte* at) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, at, sizeof bits);
    return trace::fromHalf(bits);
}

void splitQ2K(const std::byte* block, std::span<CodeRun> runs);
void splitQ3K(const std::byte* block, std::span<CodeRun> runs);
void splitQ4K(const std::byte* block, std::span<CodeRun> runs);
void splitQ5K(const std::byte* block, std::span<CodeRun> runs);
void splitQ6K(const std::byte* block, std::span<CodeRun> runs);
void splitIq4Nl(const std::byte* block, std::span<CodeRun> runs);
void splitIq4Xs(const std::byte* block, std::span<CodeRun> runs);
void splitMxfp4(const std::byte* block, std::span<CodeRun> runs);

} // namespace moescope::model
