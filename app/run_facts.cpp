#include "app/run_facts.h"

#include <cctype>
#include <chrono>
#include <ctime>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fstream>
#include <random>
#include <sys/utsname.h>
#include <thread>

namespace moescope::app {
namespace {

/// The text after the first ':' or '=' of the first line that begins with the key, without blanks and quotes; empty if none.
std::string valueIn(const char* file, std::string_view key) {
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) {
        if (!line.starts_with(key))
            continue;
        std::string value = line.substr(std::min(line.size(), line.find_first_of(":=") + 1));
        std::erase(value, '"');
        const std::size_t first = value.find_first_not_of(" \t");
        return first == std::string::npos ? std::string() : value.substr(first);
    }
    return {};
}

std::string fileWord(std::string_view text) {
    std::string word;
    for (const char c : text)
        word += std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' ? c : '-';
    return word.empty() ? "model" : word;
}

} // namespace

int machineCores() {
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

session::MachineFacts machineFacts() {
    session::MachineFacts facts;
    facts.processor = valueIn("/proc/cpuinfo", "model name");
    facts.cores = machineCores();
    if (const std::string memory = valueIn("/proc/meminfo", "MemTotal"); !memory.empty())
        facts.memoryBytes = std::strtoll(memory.c_str(), nullptr, 10) * 1024;
    utsname name{};
    if (uname(&name) == 0)
        facts.system = fmt::format("{} {} {}", name.sysname, name.release, name.machine);
    if (const std::string distribution = valueIn("/etc/os-release", "PRETTY_NAME"); !distribution.empty())
        facts.system = fmt::format("{}, {}", distribution, facts.system);
    return facts;
}

std::string programVersion() {
    return MOESCOPE_VERSION;
}

std::string buildLine() {
    return MOESCOPE_BUILD;
}

std::string newSessionId() {
    std::random_device random;
    std::string id;
    for (int part = 0; part < 4; ++part)
        id += fmt::format("{:08x}", random());
    return id;
}

std::string utcNow() {
    return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

std::filesystem::path bundledModel() {
    std::error_code problem;
    const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", problem);
    const std::filesystem::path installed = program.parent_path() / "../share/moescope/model/model-q8_0.gguf";
    if (!problem && std::filesystem::exists(installed, problem))
        return std::filesystem::weakly_canonical(installed);
    return MOESCOPE_BUILD_TREE_MODEL;
}

std::filesystem::path sessionPath(const std::filesystem::path& output, std::string_view model) {
    const std::string text = output.string();
    const bool folder = text.empty() || text.ends_with('/') || std::filesystem::is_directory(output);
    if (!folder)
        return output;
    const std::filesystem::path place = text.empty() ? std::filesystem::path(".") : output;
    std::filesystem::create_directories(place);
    const std::string name = fmt::format("{:%Y-%m-%d_%H-%M-%S}_{}", fmt::localtime(std::time(nullptr)), fileWord(model));
    std::filesystem::path path = place / (name + ".moescope");
    for (int again = 2; std::filesystem::exists(path); ++again)
        path = place / fmt::format("{}_{}.moescope", name, again);
    return path;
}

} // namespace moescope::app
