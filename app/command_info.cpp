#include "app/command_list.h"
#include "app/console.h"
#include "engine/model/model_config.h"
#include "profiler/analysis/summary_text.h"
#include "profiler/session/session_reader.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fstream>
#include <nlohmann/json.hpp>

namespace moescope::app {
namespace {

using Json = nlohmann::ordered_json;

std::string magicOf(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file)
        throw std::runtime_error(fmt::format("The file {} cannot be read.", path));
    std::string magic(4, '\0');
    file.read(magic.data(), 4);
    magic.resize(static_cast<std::size_t>(file.gcount()));
    return magic;
}

Json factsJson(const model::ModelFacts& facts) {
    return {{"name", facts.name},
            {"path", facts.path},
            {"architecture", facts.architecture},
            {"quantisation", facts.quantisation},
            {"hash", facts.hash},
            {"licence", facts.licence},
            {"file_bytes", facts.fileBytes},
            {"parameters", facts.parameters},
            {"active_parameters", facts.activeParameters},
            {"layers", facts.layers},
            {"experts", facts.experts},
            {"top_k", facts.topK},
            {"expert_bytes", facts.expertBytes},
            {"hidden", facts.hidden},
            {"vocabulary", facts.vocabulary},
            {"context_tokens", facts.contextTokens},
            {"synthetic", facts.synthetic}};
}

Json modelInfo(const std::string& path) {
    const model::GgufFile file{std::filesystem::path(path)};
    const model::ModelConfig config = model::readModelConfig(file);
    Json out{{"kind", "model"}};
    out.update(factsJson(model::readModelFacts(file, config)));
    out["tensors"] = file.tensors().size();
    if (file.parts() > 1)
        out["parts"] = file.parts();
    if (const auto provenance = file.text("moescope.provenance"))
        out["provenance"] = *provenance;
    return out;
}

Json sessionInfo(const std::string& path) {
    session::SessionReader reader(path);
    reader.refresh();
    const session::SessionInfo& info = reader.info();
    Json out{{"kind", "session"},
             {"id", info.id},
             {"title", info.title},
             {"created_utc", info.createdUtc},
             {"program_version", info.programVersion},
             {"build", info.build},
             {"finished", info.finished()},
             {"duration_s", static_cast<double>(reader.lastTime()) / 1e9},
             {"events", reader.lastSeq()},
             {"events_lost", info.eventsLost},
             {"file_bytes", reader.fileBytes()},
             {"seed", info.seed},
             {"continues", info.continues}};
    out["machine"] = {{"processor", info.machine.processor},
                      {"device", info.machine.device},
                      {"system", info.machine.system},
                      {"cores", info.machine.cores},
                      {"memory_bytes", info.machine.memoryBytes}};
    out["settings"] = Json::object();
    for (const auto& [name, value] : info.settings)
        out["settings"][name] = value;
    out["model"] = factsJson(info.model);
    return out;
}

void printPlain(const Json& json, int depth) {
    for (const auto& [key, value] : json.items()) {
        const std::string label = std::string(static_cast<std::size_t>(2 * depth), ' ') + key;
        if (value.is_object()) {
            tell("{}\n", label);
            printPlain(value, depth + 1);
            continue;
        }
        std::string text = value.is_string() ? value.get<std::string>() : value.dump();
        if (key.ends_with("_bytes"))
            text += fmt::format("  ({})", analysis::sizeText(value.get<std::int64_t>()));
        tell("{:<24}{}\n", label, text);
    }
}

int printInfo(const std::string& path, bool json) {
    const std::string magic = magicOf(path);
    if (magic != "GGUF" && magic != "SQLi")
        throw std::runtime_error(fmt::format("{} is neither a GGUF model nor a Moescope session.", path));
    const Json info = magic == "GGUF" ? modelInfo(path) : sessionInfo(path);
    if (json)
        tell("{}\n", info.dump(2, ' ', false, Json::error_handler_t::replace));
    else
        printPlain(info, 0);
    return 0;
}

} // namespace

void addInfoCommand(CLI::App& root, Chosen& chosen) {
    struct Flags {
        std::string file;
        bool json = false;
    };
    auto flags = std::make_shared<Flags>();
    CLI::App* command = root.add_subcommand("info", "Say what a model or a session is, without running or reading all of it");
    command->footer("Example:\n  moescope-engine info resources/model/model-q8_0.gguf");
    command->add_option("file", flags->file, "Model (GGUF) or session (.moescope)")->required()->type_name("FILE");
    command->add_flag("--json", flags->json, "For programs: one JSON object");
    command->callback([flags, &chosen] { chosen = [flags] { return printInfo(flags->file, flags->json); }; });
}

} // namespace moescope::app
