#include "app/command_list.h"
#include "app/console.h"
#include "profiler/exchange/chrome_trace.h"
#include "profiler/exchange/csv_export.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fmt/format.h>

namespace moescope::app {
namespace {

struct ExportFlags {
    std::string file;
    std::string format;
    std::string output;
};

/// Beside the session, named after it.
std::filesystem::path beside(const std::string& file, const char* ending) {
    return std::filesystem::path(file).replace_extension().string() + ending;
}

int exportSession(const ExportFlags& flags) {
    session::SessionReader reader(flags.file);
    if (flags.format == "csv") {
        const auto files = exchange::exportCsv(reader, flags.output.empty() ? beside(flags.file, "-csv")
                                                                            : std::filesystem::path(flags.output));
        for (const auto& file : files)
            tell("{}\n", file.string());
        return 0;
    }
    const std::filesystem::path target =
        flags.output.empty() ? beside(flags.file, ".trace.json") : std::filesystem::path(flags.output);
    const exchange::ChromeTraceResult result = exchange::exportChromeTrace(reader, target);
    if (result.truncated)
        say("The trace stops after {} events, because viewers do not take more; it holds the beginning.\n", result.events);
    tell("{}\n", target.string());
    return 0;
}

} // namespace

void addExportCommand(CLI::App& root, Chosen& chosen) {
    auto flags = std::make_shared<ExportFlags>();
    CLI::App* command = root.add_subcommand("export", "Write a session for other programs");
    command->footer("csv: a folder with one file per table (RFC 4180, times in ns). chrome: a trace that opens in "
                    "https://ui.perfetto.dev.\nNothing is overwritten. The files written are listed on stdout.\n\nExample:\n"
                    "  moescope-engine export fox.moescope --format chrome --output fox.json");
    command->add_option("file", flags->file, "Session file (.moescope)")->required()->type_name("FILE");
    command->add_option("--format", flags->format, "csv or chrome")->required()->check(CLI::IsMember({"csv", "chrome"}));
    command->add_option("--output,-o", flags->output, "Folder (csv) or file (chrome). Default: beside the session")
        ->type_name("PATH");
    command->callback([flags, &chosen] { chosen = [flags] { return exportSession(*flags); }; });
}

} // namespace moescope::app
