#include "app/command_list.h"
#include "app/console.h"
#include "app/output_file.h"
#include "app/progress_bar.h"
#include "app/run_facts.h"
#include "app/run_signals.h"
#include "engine/model/quantise_model.h"
#include "profiler/analysis/summary_text.h"

#include <CLI/CLI.hpp>
#include <atomic>
#include <map>

namespace moescope::app {
namespace {

namespace fs = std::filesystem;
using model::TensorType;

struct QuantizeFlags {
    std::string input;
    std::string output;
    std::string type;
    int threads = 0;
    bool overwrite = false;
    bool progress = false;
};

TensorType typeNamed(const std::string& name) {
    if (name == "q8_0")
        return TensorType::Q8_0;
    return name == "q4_0" ? TensorType::Q4_0 : TensorType::F16;
}

/// Weights that were rounded twice are worse than the type says.
std::string roundedBefore(const model::GgufFile& file, TensorType wanted) {
    for (const model::TensorView& tensor : file.tensors())
        if (model::quantisedType(tensor, wanted) != tensor.type && model::typeTraits(tensor.type).blockElements > 1)
            return fmt::format(", whose weights were {} already", model::typeTraits(tensor.type).name);
    return {};
}

std::string originOf(const model::GgufFile& file, TensorType type) {
    return fmt::format("quantised to {} by moescope-engine {} from {} (hash {}){}", model::typeTraits(type).name,
                       programVersion(), fs::path(file.name()).filename().string(), file.hash(), roundedBefore(file, type));
}

void printTensors(const model::GgufPlan& plan) {
    std::map<std::string_view, std::pair<int, std::int64_t>> sums;
    for (const model::PlannedTensor& tensor : plan.tensors()) {
        auto& [count, bytes] = sums[model::typeTraits(tensor.type).name];
        ++count;
        bytes += tensor.bytes();
    }
    for (const auto& [name, sum] : sums)
        tell("{:<6}{:>6} tensors  {}\n", name, sum.first, analysis::sizeText(sum.second));
}

int runQuantize(const QuantizeFlags& flags) {
    checkOutputFile(flags.output, flags.overwrite);
    std::atomic<bool> interrupted = false;
    const StopSignals signals([&] { interrupted = true; });
    const model::GgufFile file{fs::path(flags.input)};
    const TensorType type = typeNamed(flags.type);
    const model::QuantisePlan plan{type, originOf(file, type), flags.threads > 0 ? flags.threads : machineCores()};
    ProgressBar bar(flags.progress || ProgressBar::wanted());
    const bool whole = model::quantiseModel(file, flags.output, plan, [&](std::int64_t done, std::int64_t total) {
        bar.show("quantising", static_cast<double>(done) / static_cast<double>(std::max<std::int64_t>(1, total)));
        return !interrupted;
    });
    bar.end();
    if (!whole) {
        say("Stopped on request; no model was written.\n");
        return 1;
    }
    printTensors(model::planQuantised(file, plan));
    tell("{} written to {}\n", analysis::sizeText(static_cast<std::int64_t>(fs::file_size(flags.output))), flags.output);
    if (const std::string before = roundedBefore(file, type); !before.empty())
        say("The source is {}{}: the result is worse than one made from F16.\n", flags.input, before);
    return 0;
}

} // namespace

void addQuantizeCommand(CLI::App& root, Chosen& chosen) {
    auto flags = std::make_shared<QuantizeFlags>();
    CLI::App* command = root.add_subcommand("quantize", "Store a model's weights anew in another format");
    command->footer(
        "Rounds exactly as llama.cpp's reference does. Norms, biases and routers (ffn_gate_inp) stay as they are, and\n"
        "so does a matrix whose rows are no whole number of 32. With q4_0 the output matrix becomes Q8_0. Metadata\n"
        "is copied; moescope.provenance says what the file was made from. Ctrl-C stops and writes nothing.\n\n"
        "Example:\n  moescope-engine quantize model-f16.gguf model-q4_0.gguf --type q4_0");
    command->add_option("input", flags->input, "Model to read (GGUF; F32, F16, BF16, Q8_0 or Q4_0)")
        ->required()
        ->type_name("FILE");
    command->add_option("output", flags->output, "Model to write (GGUF)")->required()->type_name("FILE");
    command->add_option("--type", flags->type, "q8_0 (8.5 bits per weight), q4_0 (4.5) or f16 (16)")
        ->required()
        ->check(CLI::IsMember({"q8_0", "q4_0", "f16"}))
        ->type_name("TYPE");
    command->add_option("--threads", flags->threads, "Threads. Default: every core; the file does not depend on it")
        ->check(CLI::Range(1, 1024))
        ->type_name("N");
    command->add_flag("--overwrite", flags->overwrite, "Replace the output if it exists");
    command->add_flag("--progress", flags->progress, "Show progress on stderr even if it is not a terminal");
    command->callback([flags, &chosen] { chosen = [flags] { return runQuantize(*flags); }; });
}

} // namespace moescope::app
