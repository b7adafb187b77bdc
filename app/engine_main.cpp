// moescope-engine: runs the model, traces it, writes sessions, and reads them back. Exit codes: 0 done, 1 failed, 2 usage.
#include "app/command_list.h"
#include "app/console.h"
#include "app/run_facts.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <fmt/ranges.h>

namespace {

using moescope::app::say;

constexpr int kFailed = 1;
constexpr int kUsage = 2;

int complain(const char* sentence, int code) {
    say("moescope-engine: {}\n", sentence);
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

/// The parser's sentence, in the words of this program where its own are hard to read.
std::string usageSentence(const CLI::App& root, const CLI::ParseError& problem, int argc, char** argv) {
    std::vector<std::string> names;
    for (const CLI::App* command : root.get_subcommands([](const CLI::App*) { return true; }))
        names.push_back(command->get_name());
    const std::string first = argc > 1 ? argv[1] : "";
    if (first.empty() || (first.front() != '-' && std::find(names.begin(), names.end(), first) == names.end()))
        return fmt::format("{}; the commands are {}.",
                           first.empty() ? "There is no command" : fmt::format("There is no command '{}'", first),
                           fmt::join(names, ", "));
    std::string text = problem.what();
    if (const std::size_t twice = text.find(": At Most 1 required"); twice != std::string::npos)
        return text.substr(0, twice) + " may be given only once.";
    return text.ends_with('.') ? text : text + ".";
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
    moescope::app::addCalibrateCommand(root, chosen);
    moescope::app::addQuantizeCommand(root, chosen);
    moescope::app::addSynthesizeCommand(root, chosen);
    moescope::app::addBenchCommand(root, chosen);
    moescope::app::addInfoCommand(root, chosen);
    moescope::app::addVerifyCommand(root, chosen);
    moescope::app::addExportCommand(root, chosen);
    moescope::app::addSimulateCommand(root, chosen);
    moescope::app::addServeCommand(root, chosen);
    try {
        root.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        if (e.get_exit_code() == 0)
            return root.exit(e);
        say("moescope-engine: {}\nRun with --help for more information.\n", usageSentence(root, e, argc, argv));
        return kUsage;
    }
    return runChosen(chosen);
}
