#pragma once
// The subcommands of moescope-engine: each adds itself to the parser and, when chosen, leaves what is to be done in `chosen`.
#include <functional>
#include <stdexcept>

namespace CLI {
class App;
}

namespace moescope::app {

/// Runs the chosen subcommand; returns the exit code (0 done, 1 failed). Throws UsageError or std::invalid_argument for wrong
/// values (exit code 2), anything else for failures (1); the message is one sentence.
using Chosen = std::function<int()>;

struct UsageError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

void addServeCommand(CLI::App& root, Chosen& chosen);
void addRecordCommand(CLI::App& root, Chosen& chosen);
void addReportCommand(CLI::App& root, Chosen& chosen);
void addQualityCommand(CLI::App& root, Chosen& chosen);
void addBenchCommand(CLI::App& root, Chosen& chosen);
void addCalibrateCommand(CLI::App& root, Chosen& chosen);
void addQuantizeCommand(CLI::App& root, Chosen& chosen);
void addSynthesizeCommand(CLI::App& root, Chosen& chosen);
void addInfoCommand(CLI::App& root, Chosen& chosen);
void addVerifyCommand(CLI::App& root, Chosen& chosen);
void addExportCommand(CLI::App& root, Chosen& chosen);
void addSimulateCommand(CLI::App& root, Chosen& chosen);

} // namespace moescope::app
