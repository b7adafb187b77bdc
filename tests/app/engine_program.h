#pragma once
// Runs the built moescope-engine as a user or the window would: by its command line and its pipes.
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace moescope::test {

struct Finished {
    int exitCode = -1; ///< 128 + signal when killed
    std::string out;
    std::string err;
    nlohmann::json json() const { return nlohmann::json::parse(out); }
};

/// A child with its three pipes. Killed when the object goes.
class EngineProcess {
public:
    explicit EngineProcess(const std::vector<std::string>& arguments);
    ~EngineProcess();
    EngineProcess(const EngineProcess&) = delete;
    EngineProcess& operator=(const EngineProcess&) = delete;

    void write(const std::string& text) const;
    void closeInput();
    void signal(int number) const;
    /// The next line of stdout; nothing at its end or when the time is up.
    std::optional<std::string> line(std::chrono::milliseconds wait = std::chrono::seconds(60));
    /// Reads both outputs to their end and waits for the exit.
    Finished finish();
    pid_t pid() const { return m_pid; }

private:
    bool readSome(std::chrono::milliseconds wait);
    pid_t m_pid = -1;
    int m_in = -1, m_out = -1, m_err = -1;
    std::string m_outText, m_errText;
};

/// Waits until the program takes Ctrl-C its own way, which it does while it works; before, the signal would end it as any
/// other.
void waitUntilInterruptIsAwaited(pid_t program);

Finished runEngine(const std::vector<std::string>& arguments);

/// A folder that goes away with the test.
class TemporaryFolder {
public:
    TemporaryFolder();
    ~TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    std::string operator/(const std::string& name) const { return (m_path / name).string(); }
    const std::filesystem::path& path() const { return m_path; }

private:
    std::filesystem::path m_path;
};

} // namespace moescope::test
