// moescope-engine: runs the model, traces it, writes sessions, and reads them back. Exit codes: 0 done, 1 failed, 2 usage.
#include "app/command_list.h"
#include "app/run_facts.h"

#include <CLI/CLI.hpp>
#include <csignal>
#include <fmt/format.h>

namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;

int complain(const char* sentence, int code) {
    fmt::print(stderr, "moescope-engine: {}\n", sentence);
    return code;
}

int runChosen(const moescope::app::Chosen& chosen) {
    try {
        return chosen();
    } catch (const moescope::app::UsageError& e) {
        return complain(e.what(), kUsage);
    } catch (const std::invalid_argument& e) {
        return complain(e.what(), kUsage);
    } catch (const std::bad_alloc&) {
        return complain("There is not enough memory.", kFailed);
    } catch (const std::exception& e) {
        return complain(e.what(), kFailed);
    }
}

} // namespace

int main(int argc, char** argv) {
    // A reader that went away is an error of that write, not the end of the program: the session must be finished.
    std::signal(SIGPIPE, SIG_IGN);
    CLI::App root(
        "Runs a Mixture-of-Experts model with an expert cache, records everything that moves, and reads recordings back.",
        "moescope-engine");
    root.set_version_flag("--version", moescope::app::programVersion() + " (" + moescope::app::buildLine() + ")");
    root.require_subcommand(1);
    root.footer("Every subcommand has --help. Exit codes: 0 done, 1 failed, 2 wrong usage.");
    moescope::app::Chosen chosen;
    moescope::app::addRecordCommand(root, chosen);
    moescope::app::addReportCommand(root, chosen);
    moescope::app::addQualityCommand(root, chosen);
    moescope::app::addInfoCommand(root, chosen);
    moescope::app::addVerifyCommand(root, chosen);
    moescope::app::addExportCommand(root, chosen);
    moescope::app::addServeCommand(root, chosen);
    try {
        root.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        if (e.get_exit_code() == 0)
            return root.exit(e);
        fmt::print(stderr, "moescope-engine: {}\nRun with --help for more information.\n", e.what());
        return kUsage;
    }
    return runChosen(chosen);
}
