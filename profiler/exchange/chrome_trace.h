#pragma once
#include "profiler/session/session_reader.h"

#include <filesystem>

namespace moescope::exchange {

struct ChromeTraceResult {
    std::int64_t events = 0; ///< trace events written
    bool truncated = false;  ///< the limit was reached; the trace holds the beginning
};

/// Writes a Chrome trace (JSON object format) that opens in Perfetto and chrome://tracing. One tid per lane: passes with their
/// stages and stalls nested inside, copies by cause, tokens, settings; counters for residency, cache and memory. ts and dur
/// are microseconds with three decimals, so that nothing is rounded. Refuses to overwrite. Throws std::runtime_error with one
/// sentence naming file and cause.
ChromeTraceResult exportChromeTrace(session::SessionReader& reader, const std::filesystem::path& file,
                                    std::int64_t maxEvents = 1'000'000);

} // namespace moescope::exchange
