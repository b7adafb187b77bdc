#include "app/command_flags.h"
#include "app/command_list.h"
#include "app/console.h"
#include "app/output_file.h"
#include "app/progress_bar.h"
#include "app/run_facts.h"
#include "app/run_signals.h"
#include "engine/calibrate/calibration_file.h"
#include "engine/calibrate/text_windows.h"

#include <CLI/CLI.hpp>
#include <atomic>
#include <unistd.h>

namespace moescope::app {
namespace {

namespace fs = std::filesystem;

struct CalibrateFlags {
    std::string model;
    std::string text;
    std::string output;
    std::string name;
    std::int64_t tokens = 24576;
    int windowTokens = 512;
    std::string method = "exact";
    calibrate::CalibrationPlan plan;
    bool overwrite = false;
    bool progress = false;
};

/// Half of the machine's memory may hold dequantised experts; a larger model's are dequantised whenever they run.
bool expertsFit(const model::GgufFile& file) {
    const std::int64_t memory = std::int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGE_SIZE);
    return calibrate::plainBytes(file, sizeof(float)) <= memory / 2;
}

void printRow(std::string_view name, const calibrate::Calibration& calibration, auto figure) {
    tell("{:<28}", name);
    for (std::size_t layer = 0; layer < calibration.routing.size(); ++layer)
        tell(" {:>8.4g}", figure(layer));
    tell("\n");
}

void printSensitivities(const calibrate::Calibration& c) {
    const auto layer = [&](std::size_t index) -> const calibrate::LayerSensitivity& {
        return c.sensitivity.layer(static_cast<int>(index));
    };
    if (c.method == calibrate::Method::Exact) {
        printRow("w_l of the paper", c, [&](std::size_t l) { return layer(l).paper.mean(); });
        printRow("  standard error", c, [&](std::size_t l) { return layer(l).paper.standardError(); });
        printRow("refined", c, [&](std::size_t l) { return layer(l).refined.mean(); });
        printRow("  standard error", c, [&](std::size_t l) { return layer(l).refined.standardError(); });
    } else {
        printRow("w_l of the paper, estimate", c, [&](std::size_t l) { return c.probedPaper[l].mean; });
        printRow("  standard error", c, [&](std::size_t l) { return c.probedPaper[l].standardError; });
        printRow("refined, estimate", c, [&](std::size_t l) { return c.probedRefined[l].mean; });
        printRow("  standard error", c, [&](std::size_t l) { return c.probedRefined[l].standardError; });
    }
    if (layer(0).directKl.count() <= 0)
        return;
    printRow("KL of dropping there alone", c, [&](std::size_t l) { return layer(l).directKl.mean(); });
    printRow("  standard error", c, [&](std::size_t l) { return layer(l).directKl.standardError(); });
    if (c.method == calibrate::Method::Exact)
        for (const calibrate::Prediction& form : c.sensitivity.predictions())
            tell("rank correlation with that KL: {:<22} {:+.3f}\n", form.form, form.rankCorrelation);
}

void printGuess(std::string_view name, const calibrate::GuessQuality& guess) {
    tell("  {:<26} {:5.1f} % of the experts, {:5.1f} % of their weight, KL {:.4f}\n", name, guess.slotRecall * 100,
         guess.massRecall * 100, guess.kl);
}

void printPlain(const calibrate::Calibration& c) {
    tell("{:<28}", "layer");
    for (std::size_t layer = 0; layer < c.routing.size(); ++layer)
        tell(" {:>8}", layer);
    tell("\n");
    printSensitivities(c);
    printRow("mean second weight", c, [&](std::size_t l) { return c.routing[l].meanSecondWeight(); });
    for (std::size_t depth = 0; depth < calibrate::kMaxGateDepth; ++depth) {
        printRow(fmt::format("gate recall, {} ahead", depth + 1), c,
                 [&](std::size_t l) { return c.routing[l].plainRecall[depth].slotRecall(); });
        printRow("  with that layer's norm", c, [&](std::size_t l) { return c.routing[l].normedRecall[depth].slotRecall(); });
    }
    printRow("experts of the token before", c, [&](std::size_t l) { return c.routing[l].reuse(); });
    const calibrate::FirstLayerGate& gate = c.firstLayer;
    tell("layer 0 foreseen from the token before, {} held-out tokens:\n", gate.heldOutTokens);
    printGuess("trained gate", gate.heldOut);
    printGuess("always the usual experts", gate.usual);
    printGuess("the token before's gate", gate.previousToken);
    tell("mean loss {:.4f} nats (perplexity {:.4f}) over {} tokens\n", c.meanLoss, std::exp(c.meanLoss), c.tokens);
}

int runCalibrate(const CalibrateFlags& flags) {
    checkOutputFile(flags.output, flags.overwrite);
    const std::string text = readText(flags.text);
    std::atomic<bool> interrupted = false;
    const StopSignals signals([&] { interrupted = true; });
    const model::GgufFile file(flags.model.empty() ? bundledModel() : fs::path(flags.model));
    const model::ModelConfig config = model::readModelConfig(file);
    const int window = std::min(flags.windowTokens, config.contextTokens);
    const auto cut = calibrate::cutWindows(text, *model::makeTokenizer(file), window, flags.tokens);
    calibrate::Weights<float> weights(file, config, expertsFit(file));
    calibrate::CalibrationPlan plan = flags.plan;
    plan.method = flags.method == "exact" ? calibrate::Method::Exact : calibrate::Method::Forward;
    ProgressBar bar(flags.progress || ProgressBar::wanted());
    const auto result = calibrate::runCalibration(weights, cut.windows, plan, [&](std::string_view phase, double share) {
        bar.show(phase, share);
        return !interrupted;
    });
    bar.end();
    if (!result) {
        say("Stopped on request; no calibration was written.\n");
        return 1;
    }
    model::ModelFacts facts = model::readModelFacts(file, config);
    if (!flags.name.empty())
        facts.name = flags.name;
    const std::string name = flags.text == "-" ? "stdin" : fs::path(flags.text).filename().string();
    calibrate::writeWhole(flags.output,
                          calibrate::calibrationJson(*result, {.facts = facts,
                                                               .text = name,
                                                               .createdUtc = utcNow(),
                                                               .program = "moescope-engine " + programVersion(),
                                                               .windowTokens = window,
                                                               .windows = static_cast<std::int64_t>(cut.windows.size())}));
    printPlain(*result);
    tell("written to {}\n", flags.output);
    return 0;
}

} // namespace

void addCalibrateCommand(CLI::App& root, Chosen& chosen) {
    auto flags = std::make_shared<CalibrateFlags>();
    CLI::App* command = root.add_subcommand(
        "calibrate", "Measure a model on a text: what dropping experts costs per layer, how it routes, what can be foreseen");
    command->footer(
        "The file is what --calibration reads; it is refused for any other model. Documents in the text are separated\n"
        "by lines <|endoftext|>. Ctrl-C stops and writes nothing.\n\n"
        "Example:\n  moescope-engine calibrate --text stories.txt --tokens 8192 --output calibration.json");
    command->add_option("--model", flags->model, "Model file (GGUF). Default: the bundled one")->type_name("FILE");
    command->add_option("--text", flags->text, "Text file, UTF-8 (- is stdin)")->required()->type_name("FILE");
    command->add_option("--output", flags->output, "Calibration file to write (JSON)")->required()->type_name("FILE");
    command->add_option("--name", flags->name, "What the model is called. Default: as the model file says")->type_name("NAME");
    command->add_flag("--overwrite", flags->overwrite, "Replace the output if it exists");
    const auto number = [&](const char* name, auto& value, double least, double most, const char* what) {
        command->add_option(name, value, what)->check(CLI::Range(least, most))->capture_default_str()->type_name("N");
    };
    number("--tokens", flags->tokens, 16, 1e9, "Read this many tokens of the text, in whole windows");
    number("--window-tokens", flags->windowTokens, 8, 1 << 20, "Tokens per window (less if the model's context is smaller)");
    number("--direct-tokens", flags->plan.directTokens, 0, 1e9,
           "Drop experts layer by layer on this many tokens; 0 = not at all");
    command->add_option("--method", flags->method, "exact (gradients) or forward (random directions, no gradients, estimates)")
        ->check(CLI::IsMember({"exact", "forward"}))
        ->capture_default_str();
    number("--relative-error", flags->plan.probes.relativeError, 0.005, 0.5, "forward: stop below this standard error");
    number("--probes", flags->plan.probes.mostProbes, 100, 1e6, "forward: at most this many directions per layer and form");
    number("--epochs", flags->plan.training.epochs, 0, 1000, "Passes over the text to train the first layer's predictor");
    number("--seed", flags->plan.training.seed, 0, 1e15, "Of the predictor's training");
    command->add_flag("--progress", flags->progress, "Show progress on stderr even if it is not a terminal");
    command->callback([flags, &chosen] { chosen = [flags] { return runCalibrate(*flags); }; });
}

} // namespace moescope::app
