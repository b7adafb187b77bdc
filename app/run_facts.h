#pragma once
#include "profiler/session/session_info.h"

#include <filesystem>
#include <string>
#include <string_view>

namespace moescope::app {

/// This machine, from /proc and uname; device is left as it is.
session::MachineFacts machineFacts();
std::string programVersion();
/// Commit, compiler and flags in one line.
std::string buildLine();
/// 32 random hex digits.
std::string newSessionId();
/// ISO 8601, "2025-01-31T14:05:09Z".
std::string utcNow();
/// The model that comes with the program: ../share/moescope/model beside the executable, else the source tree's.
std::filesystem::path bundledModel();
/// What `output` means: a session file as it is; a folder, or nothing (the current one), a new file in it named after the time
/// and the model. Ends in .moescope.
std::filesystem::path sessionPath(const std::filesystem::path& output, std::string_view model);
int machineCores();

} // namespace moescope::app
