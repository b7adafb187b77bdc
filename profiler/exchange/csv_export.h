#pragma once
#include "profiler/session/session_reader.h"

#include <filesystem>
#include <vector>

namespace moescope::exchange {

/// Writes one RFC 4180 file per kind of event into the folder (created if need be), named after the session's tables, plus
/// session.csv (facts) and summary.csv (figures). Column headers carry the unit; times are ns since the session began; empty =
/// none. Returns the files written. Throws std::runtime_error with one sentence naming file and cause; refuses to overwrite.
std::vector<std::filesystem::path> exportCsv(session::SessionReader& reader, const std::filesystem::path& folder);

} // namespace moescope::exchange
