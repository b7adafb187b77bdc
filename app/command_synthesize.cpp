#include "app/command_list.h"
#include "app/console.h"
#include "app/output_file.h"
#include "app/progress_bar.h"
#include "app/run_facts.h"
#include "app/run_signals.h"
#include "engine/synthesis/synthetic_model.h"
#include "profiler/analysis/summary_text.h"

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>

namespace moescope::app {
namespace {

namespace fs = std::filesystem;
using model::TensorType;

struct SynthesizeFlags {
    std::string shape;
    std::string quant = "q4_0";
    std::string output;
    std::string tokenizer;
    std::uint64_t seed = 1;
    int layers = 0;
    int threads = 0;
    bool dryRun = false;
    bool overwrite = false;
    bool progress = false;
};

std::string shapeNames() {
    std::string names;
    for (const synthesis::ModelShape& shape : synthesis::knownShapes())
        names += (names.empty() ? "" : ", ") + shape.name;
    return names;
}

synthesis::SyntheticOrder orderOf(const SynthesizeFlags& flags) {
    synthesis::SyntheticOrder order;
    order.shape = synthesis::shapeNamed(flags.shape);
    if (flags.layers > order.shape.layers)
        throw UsageError(fmt::format("The shape {} has {} layers; --layers cannot be {}.", order.shape.name, order.shape.layers,
                                     flags.layers));
    if (flags.layers > 0)
        order.shape.layers = flags.layers;
    order.type = flags.quant == "q4_0" ? TensorType::Q4_0 : flags.quant == "q8_0" ? TensorType::Q8_0 : TensorType::F16;
    order.seed = flags.seed;
    order.program = "moescope-engine " + programVersion();
    return order;
}

void printTensors(const model::GgufPlan& plan) {
    for (const model::PlannedTensor& tensor : plan.tensors())
        tell("{:<32}{:<6}{:<28}{:>16}\n", tensor.name, model::typeTraits(tensor.type).name,
             fmt::format("{}", fmt::join(tensor.ne, " x ")), tensor.bytes());
}

void printSums(const synthesis::SyntheticModel& made) {
    tell("{:.3f} billion weights, file {} ({} bytes), read per decoded token {}\n",
         static_cast<double>(made.parameters()) / 1e9, analysis::sizeText(made.plan().fileBytes()), made.plan().fileBytes(),
         analysis::sizeText(made.bytesPerToken()));
    const synthesis::RoutingPlan& routing = made.routing();
    tell("{:<30}", "routing aimed at, by layer");
    for (std::size_t layer = 0; layer < routing.layers.size(); ++layer)
        tell(" {:>5}", layer);
    tell("\n{:<30}", "  experts of the token before");
    for (const double share : routing.expectedReuse)
        tell(" {:5.3f}", share);
    tell("\n{:<30}", "  next-gate recall");
    for (const double share : routing.expectedRecall)
        tell(" {:5.3f}", share);
    tell("\n");
}

int runSynthesize(const SynthesizeFlags& flags) {
    if (flags.output.empty() && !flags.dryRun)
        throw UsageError("There is no --output; --dry-run goes without.");
    const synthesis::SyntheticOrder order = orderOf(flags);
    if (!flags.dryRun)
        checkOutputFile(flags.output, flags.overwrite);
    std::atomic<bool> interrupted = false;
    const StopSignals signals([&] { interrupted = true; });
    const synthesis::SyntheticModel made(order,
                                         model::GgufFile(flags.tokenizer.empty() ? bundledModel() : fs::path(flags.tokenizer)));
    if (flags.dryRun)
        printTensors(made.plan());
    printSums(made);
    if (flags.dryRun)
        return 0;
    ProgressBar bar(flags.progress || ProgressBar::wanted());
    const auto began = std::chrono::steady_clock::now();
    const int threads = flags.threads > 0 ? flags.threads : machineCores();
    const bool whole = made.write(flags.output, threads, [&](std::int64_t done, std::int64_t total) {
        bar.show("random weights", static_cast<double>(done) / static_cast<double>(total));
        return !interrupted;
    });
    bar.end();
    if (!whole) {
        say("Stopped on request; no model was written.\n");
        return 1;
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    tell("written to {} in {:.1f} s with {} threads, {:.2f} GB/s\n", flags.output, seconds, threads,
         static_cast<double>(made.plan().fileBytes()) / 1e9 / std::max(1e-3, seconds));
    return 0;
}

} // namespace

void addSynthesizeCommand(CLI::App& root, Chosen& chosen) {
    auto flags = std::make_shared<SynthesizeFlags>();
    CLI::App* command =
        root.add_subcommand("synthesize", "Make a model with random weights in the exact shape of a published one");
    command->footer(
        "For measuring speed and traffic without the real weights: its answers are noise. The router's choices have the\n"
        "locality that was published for the model (experts of the token before chosen again, next layer foreseen), not\n"
        "that of uniform dice; engine/synthesis/routing_plan.h says how. The file says that it is synthetic, and so do\n"
        "sessions, reports and the window. llama.cpp reads it too. The same seed makes the same file with any number of\n"
        "threads. Ctrl-C stops and writes nothing.\n\n"
        "Example:\n  moescope-engine synthesize --shape mixtral-8x7b --quant q4_0 --output mixtral-synthetic.gguf");
    command->add_option("--shape", flags->shape, "One of " + shapeNames())->required()->type_name("NAME");
    command->add_option("--quant", flags->quant, "Of every matrix but the router: q4_0, q8_0 or f16")
        ->check(CLI::IsMember({"q4_0", "q8_0", "f16"}))
        ->capture_default_str()
        ->type_name("TYPE");
    command->add_option("--output", flags->output, "Model to write (GGUF)")->type_name("FILE");
    command->add_flag("--dry-run", flags->dryRun, "List tensors and bytes, write nothing");
    command->add_option("--seed", flags->seed, "Of the weights")->capture_default_str()->type_name("N");
    command->add_option("--layers", flags->layers, "Only this many layers, for tests")
        ->check(CLI::Range(1, 1024))
        ->type_name("N");
    command
        ->add_option("--tokenizer", flags->tokenizer,
                     "Model whose SentencePiece vocabulary to borrow. Default: the bundled one")
        ->type_name("FILE");
    command->add_option("--threads", flags->threads, "Threads. Default: every core")
        ->check(CLI::Range(1, 1024))
        ->type_name("N");
    command->add_flag("--overwrite", flags->overwrite, "Replace the output if it exists");
    command->add_flag("--progress", flags->progress, "Show progress on stderr even if it is not a terminal");
    command->callback([flags, &chosen] { chosen = [flags] { return runSynthesize(*flags); }; });
}

} // namespace moescope::app
