#include "app/command_flags.h"
#include "app/command_list.h"
#include "app/run_signals.h"
#include "app/serve_loop.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace moescope::app {
namespace {

/// The pipe to the other side gets a descriptor of its own and ordinary output goes to stderr, so that nothing else can slip
/// in.
int takeStdout() {
    const int pipe = dup(STDOUT_FILENO);
    if (pipe < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        throw std::system_error(errno, std::generic_category(), "stdout cannot be used");
    return pipe;
}

int serve(const TraceFlags& trace) {
    const int pipe = takeStdout();
    LineReader input(STDIN_FILENO);
    MessageWriter output(pipe);
    ServeLoop loop(input, output, static_cast<gpu::TraceLevel>(trace.level), trace.pmSampling);
    const StopSignals signals([&] { loop.quit(); });
    std::thread reader([&] { loop.read(); });
    const int result = loop.work();
    input.interrupt();
    reader.join();
    close(pipe);
    return result;
}

} // namespace

void addServeCommand(CLI::App& root, Chosen& chosen) {
    CLI::App* command = root.add_subcommand("serve", "Take commands as JSON lines on stdin; what the window talks to");
    command->footer(
        "Commands: hello, load, prompt, stop, set, new_session, pause, resume, relocate, quit; each is answered by one line "
        "on stdout. Events go to the session file. The end of stdin finishes the session.\n\nExample:\n"
        "  (echo '{\"id\":1,\"command\":\"load\"}'; echo '{\"id\":2,\"command\":\"prompt\",\"messages\":[{\"role\":\"user\","
        "\"text\":\"Hello\"}]}'; sleep 20) | moescope-engine serve");
    auto trace = std::make_shared<TraceFlags>();
    addTraceFlags(*command, *trace);
    command->callback([&chosen, trace] { chosen = [trace] { return serve(*trace); }; });
}

} // namespace moescope::app
