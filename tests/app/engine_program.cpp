#include "tests/app/engine_program.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <poll.h>
#include <stdexcept>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace moescope::test {
namespace {

std::array<int, 2> makePipe() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0)
        throw std::runtime_error("no pipe");
    return ends;
}

} // namespace

EngineProcess::EngineProcess(const std::vector<std::string>& arguments) {
    std::signal(SIGPIPE, SIG_IGN);
    const auto in = makePipe();
    const auto out = makePipe();
    const auto err = makePipe();
    std::vector<std::string> words{MOESCOPE_ENGINE};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words)
        argv.push_back(word.data());
    argv.push_back(nullptr);
    m_pid = fork();
    if (m_pid == 0) {
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        dup2(err[1], STDERR_FILENO);
        execv(argv[0], argv.data());
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    close(err[1]);
    m_in = in[1];
    m_out = out[0];
    m_err = err[0];
}

EngineProcess::~EngineProcess() {
    if (m_pid > 0) {
        kill(m_pid, SIGKILL);
        waitpid(m_pid, nullptr, 0);
    }
    for (const int descriptor : {m_in, m_out, m_err})
        if (descriptor >= 0)
            close(descriptor);
}

void EngineProcess::write(const std::string& text) const {
    std::size_t at = 0;
    while (at < text.size()) {
        const ssize_t written = ::write(m_in, text.data() + at, text.size() - at);
        if (written <= 0)
            return;
        at += static_cast<std::size_t>(written);
    }
}

void EngineProcess::closeInput() {
    if (m_in >= 0)
        close(m_in);
    m_in = -1;
}

void EngineProcess::signal(int number) const {
    kill(m_pid, number);
}

bool EngineProcess::readSome(std::chrono::milliseconds wait) {
    std::array<pollfd, 2> watched{pollfd{m_out, POLLIN, 0}, pollfd{m_err, POLLIN, 0}};
    if (m_out < 0 && m_err < 0)
        return false;
    if (poll(watched.data(), watched.size(), static_cast<int>(wait.count())) <= 0)
        return false;
    std::array<char, 1 << 15> chunk{};
    const auto take = [&](int& descriptor, short events, std::string& into) {
        if (descriptor < 0 || events == 0)
            return;
        const ssize_t got = read(descriptor, chunk.data(), chunk.size());
        if (got > 0) {
            into.append(chunk.data(), static_cast<std::size_t>(got));
            return;
        }
        close(descriptor);
        descriptor = -1;
    };
    take(m_out, watched[0].revents, m_outText);
    take(m_err, watched[1].revents, m_errText);
    return true;
}

std::optional<std::string> EngineProcess::line(std::chrono::milliseconds wait) {
    const auto until = std::chrono::steady_clock::now() + wait;
    while (true) {
        if (const std::size_t end = m_outText.find('\n'); end != std::string::npos) {
            std::string text = m_outText.substr(0, end);
            m_outText.erase(0, end + 1);
            return text;
        }
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        if (m_out < 0 || left.count() <= 0 || !readSome(left))
            return std::nullopt;
    }
}

Finished EngineProcess::finish() {
    closeInput();
    while (m_out >= 0 || m_err >= 0)
        if (!readSome(std::chrono::minutes(20)))
            break;
    int status = 0;
    waitpid(m_pid, &status, 0);
    m_pid = -1;
    Finished result;
    result.exitCode = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    result.out = m_outText;
    result.err = m_errText;
    return result;
}

void waitUntilInterruptIsAwaited(pid_t program) {
    for (int round = 0; round < 6000; ++round) {
        std::ifstream status("/proc/" + std::to_string(program) + "/status");
        for (std::string line; std::getline(status, line);) {
            if (!line.starts_with("SigBlk:"))
                continue;
            const auto blocked = std::stoull(line.substr(7), nullptr, 16);
            const auto has = [blocked](int signal) { return (blocked >> (signal - 1) & 1U) != 0; };
            // A sanitizer blocks all of them for a moment when it starts.
            if (has(SIGINT) && !has(SIGUSR1))
                return;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
}

Finished runEngine(const std::vector<std::string>& arguments) {
    return EngineProcess(arguments).finish();
}

TemporaryFolder::TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "moescope-app-XXXXXX").string();
    if (!mkdtemp(name.data()))
        throw std::runtime_error("no temporary folder");
    m_path = name;
}

TemporaryFolder::~TemporaryFolder() {
    std::filesystem::remove_all(m_path);
}

} // namespace moescope::test
