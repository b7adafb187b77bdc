#pragma once
#include "engine/model/gguf_writer.h"

#include <functional>

namespace moescope::model {

/// Some whole rows of one tensor of a plan.
struct RowRange {
    std::size_t tensor = 0; ///< index in the plan
    std::int64_t first = 0;
    std::int64_t rows = 0;
};

/// Makes the bytes of a range: rows * rowBytes into out. Called from several threads at once. What it throws ends the stream.
using RowSource = std::function<void(const RowRange& range, std::span<std::byte> out)>;
/// Told now and then, on the calling thread, how many bytes of tensors are written of how many. False stops.
using StreamProgress = std::function<bool(std::int64_t done, std::int64_t total)>;

/// Fills every tensor of the writer's plan in pieces of a few MiB, made and written by `threads` threads, and finishes the
/// file. What a piece holds depends on its range alone, so the file is the same for every number of threads. False when
/// progress stopped it; then, as after an exception of source or writer, which is rethrown, there is no file.
bool streamTensors(GgufWriter& writer, int threads, const RowSource& source, const StreamProgress& progress);

} // namespace moescope::model
