#include "app/command_list.h"
#include "app/console.h"
#include "profiler/analysis/snapshot_builder.h"
#include "profiler/analysis/summary_json.h"
#include "profiler/analysis/summary_text.h"
#include "profiler/session/session_reader.h"

#include <CLI/CLI.hpp>

namespace moescope::app {
namespace {

analysis::Snapshot readAll(const std::string& file) {
    session::SessionReader reader(file);
    reader.refresh();
    analysis::SnapshotBuilder builder(std::make_shared<const session::SessionInfo>(reader.info()));
    while (const auto batch = reader.next())
        builder.add(*batch);
    builder.refreshFigures(true);
    analysis::Snapshot snapshot = *builder.snapshot();
    snapshot.file = file;
    return snapshot;
}

} // namespace

void addReportCommand(CLI::App& root, Chosen& chosen) {
    struct Flags {
        std::string file;
        bool json = false;
    };
    auto flags = std::make_shared<Flags>();
    CLI::App* command = root.add_subcommand("report", "Print the conversation and the figures of a session");
    command->footer("Example:\n  moescope-engine report fox.moescope --json | jq .hit_rate");
    command->add_option("file", flags->file, "Session file (.moescope); it may still be recorded")
        ->required()
        ->type_name("FILE");
    command->add_flag("--json", flags->json, "For programs: one JSON object; undefined rates are null");
    command->callback([flags, &chosen] {
        chosen = [flags] {
            const analysis::Snapshot snapshot = readAll(flags->file);
            std::string text = flags->json ? analysis::summaryJson(snapshot) : analysis::summaryText(snapshot);
            if (text.back() != '\n')
                text += '\n';
            putResult(text);
            return 0;
        };
    });
}

} // namespace moescope::app
