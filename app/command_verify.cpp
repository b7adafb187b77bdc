#include "app/command_list.h"
#include "app/console.h"
#include "profiler/session/session_reader.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace moescope::app {

void addVerifyCommand(CLI::App& root, Chosen& chosen) {
    auto file = std::make_shared<std::string>();
    CLI::App* command = root.add_subcommand("verify", "Check the integrity of a session; reads all of it");
    command->footer("Exit code 0: sound. 1: damaged (every complaint is a line on stdout) or not a session.\n\nExample:\n"
                    "  moescope-engine verify fox.moescope");
    command->add_option("file", *file, "Session file (.moescope)")->required()->type_name("FILE");
    command->callback([file, &chosen] {
        chosen = [file] {
            session::SessionReader reader(*file);
            reader.refresh();
            const std::vector<std::string> complaints = reader.verify();
            for (const std::string& complaint : complaints)
                tell("{}\n", complaint);
            if (!complaints.empty())
                return 1;
            tell("{} is sound: {} events, {} bytes, {}.\n", *file, reader.lastSeq(), reader.fileBytes(),
                 reader.info().finished() ? "finished" : "not finished (still recorded, or the run was killed)");
            return 0;
        };
    });
}

} // namespace moescope::app
