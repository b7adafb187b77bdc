#include "app/output_file.h"

#include "app/command_list.h"

#include <filesystem>
#include <fmt/format.h>
#include <unistd.h>

namespace moescope::app {

namespace fs = std::filesystem;

void checkOutputFile(const std::string& path, bool overwrite) {
    const fs::path output(path);
    if (fs::is_directory(output))
        throw UsageError(fmt::format("{} is a folder; the output is a file.", path));
    if (fs::exists(output) && !overwrite)
        throw UsageError(fmt::format("{} exists already; add --overwrite to replace it.", path));
    const fs::path folder = output.has_parent_path() ? output.parent_path() : fs::path(".");
    if (!fs::is_directory(folder) || access(folder.c_str(), W_OK) != 0)
        throw std::runtime_error(fmt::format("The folder {} is not there or cannot be written to.", folder.string()));
}

} // namespace moescope::app
