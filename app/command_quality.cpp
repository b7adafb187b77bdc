#include "app/command_flags.h"
#include "app/command_list.h"
#include "app/console.h"
#include "app/output_file.h"
#include "app/progress_bar.h"
#include "app/quality_costs.h"
#include "app/quality_report.h"
#include "app/quality_state.h"
#include "app/run_signals.h"
#include "engine/calibrate/calibration_file.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>

namespace moescope::app {
namespace {

namespace fs = std::filesystem;

struct QualityFlags {
    EngineFlags engine;
    std::string text;
    std::string mode = "prefill";
    std::string reference;
    std::string output;
    std::string costsInto;
    std::vector<std::string> formats;
    int windows = 0;
    int windowTokens = 512;
    bool json = false;
    bool progress = false;
};

std::string textNameOf(const QualityFlags& flags) {
    return flags.text == "-" ? "stdin" : fs::path(flags.text).filename().string();
}

int priceGates(const QualityFlags& flags, runtime::EngineOptions options, const std::string& text,
               const std::atomic<bool>& interrupted, ProgressBar& bar) {
    if (flags.reference.empty())
        throw UsageError(
            "--costs-into needs --reference with the model's f16 file: quantisation losses are measured against it.");
    options.calibration = flags.costsInto;
    const CostPlan plan{.engine = options,
                        .f16 = flags.reference,
                        .formats = {flags.formats.begin(), flags.formats.end()},
                        .windowTokens = flags.windowTokens,
                        .maxWindows = flags.windows};
    const auto costs = measureGateCosts(plan, text, textNameOf(flags), [&](double share) {
        bar.show("gates and number formats", share);
        return !interrupted;
    });
    bar.end();
    if (!costs) {
        say("Stopped on request; the calibration file is as it was.\n");
        return 1;
    }
    putGateCosts(flags.costsInto, *costs);
    for (const policy::QuantisationLoss& loss : costs->quantisation)
        tell("{:<16}{:>22}   KL {:.6f}   perplexity {:+.2f} %\n", loss.type, "", loss.meanKl, (loss.perplexityRatio - 1) * 100);
    for (const policy::GateCostPoint& point : costs->points)
        tell("{:<16}{:>6.3f} experts, {:4.1f} % single   KL {:.6f}   perplexity {:+.2f} %   {}\n", point.gate,
             point.meanExperts, point.singleShare * 100, point.meanKl, (point.perplexityRatio - 1) * 100,
             policy::lossInWords(point.meanKl, costs->quantisation));
    tell("{} tokens of {}, written to {}\n", costs->tokens, costs->text, flags.costsInto);
    return 0;
}

int measureOne(const QualityFlags& flags, const runtime::EngineOptions& options, const std::string& text,
               const std::atomic<bool>& interrupted, ProgressBar& bar) {
    const auto mode = flags.mode == "decode" ? runtime::Engine::ScoreMode::Decode : runtime::Engine::ScoreMode::Prefill;
    QualityMeter meter({.engine = options,
                        .reference = flags.reference,
                        .settings = {options.settings},
                        .mode = mode,
                        .windowTokens = flags.windowTokens,
                        .maxWindows = flags.windows},
                       text);
    std::optional<QualityState> state;
    if (!flags.output.empty())
        state.emplace(flags.output + ".state", measurementIdentity(meter, text), 1);
    const QualityRun run =
        runQuality(meter, state ? &*state : nullptr, [&](std::int64_t done, std::int64_t all, double share, double perplexity) {
            bar.show(fmt::format("window {} of {}, perplexity {:.4f}", std::min(done + 1, all), all, perplexity), share);
            return !interrupted;
        });
    bar.end();
    if (!run.complete)
        say("Stopped on request; the figures are those of {} windows.{}\n", run.windows,
            state ? " The same command goes on from there." : "");
    if (run.windows == 0)
        return 1;
    const QualityView view{meter, options.settings, run.results[0]};
    if (state && run.complete) {
        calibrate::writeWhole(flags.output, qualityJson(view));
        state->remove();
    }
    putResult(flags.json ? qualityJson(view) : qualityText(view));
    return 0;
}

int runQualityCommand(const QualityFlags& flags) {
    const runtime::EngineOptions options = engineOptions(flags.engine);
    for (const std::string& file : flags.formats)
        if (!fs::exists(file))
            throw std::runtime_error(fmt::format("The model file {} does not exist.", file));
    if (!flags.reference.empty() && !fs::exists(flags.reference))
        throw std::runtime_error(fmt::format("The model file {} does not exist.", flags.reference));
    if (!flags.output.empty())
        checkOutputFile(flags.output, false);
    const std::string text = readText(flags.text);
    std::atomic<bool> interrupted = false;
    const StopSignals signals([&] { interrupted = true; });
    ProgressBar bar(flags.progress || ProgressBar::wanted());
    return flags.costsInto.empty() ? measureOne(flags, options, text, interrupted, bar)
                                   : priceGates(flags, options, text, interrupted, bar);
}

void addMeasureFlags(CLI::App& command, QualityFlags& flags) {
    command.add_option("--text", flags.text, "Text file, UTF-8 (- is stdin)")->required()->type_name("FILE");
    command.add_option("--mode", flags.mode, "decode (one token per pass, as in chat) or prefill (batches, faster)")
        ->check(CLI::IsMember({"decode", "prefill"}))
        ->capture_default_str();
    command
        .add_option("--reference", flags.reference,
                    "Another file of the same model to compare with, e.g. f16. Default: the same file without gating")
        ->type_name("FILE");
    command.add_option("--windows", flags.windows, "Score only the first N windows; 0 = all")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str()
        ->type_name("N");
    command.add_option("--window-tokens", flags.windowTokens, "Tokens per window (less if the model's context is smaller)")
        ->check(CLI::Range(8, 1 << 20))
        ->capture_default_str()
        ->type_name("N");
}

} // namespace

void addQualityCommand(CLI::App& root, Chosen& chosen) {
    auto flags = std::make_shared<QualityFlags>();
    CLI::App* command = root.add_subcommand(
        "quality", "Measure what a gate costs: perplexity of a text, and KL to the plain model or to another file of it");
    command->footer(
        "Windowing as in llama.cpp's perplexity tool. Every window is scored twice, by the reference and as set. With a cache\n"
        "that holds less than all experts, every window begins with a cold one.\n\n"
        "Examples:\n"
        "  moescope-engine quality --text wiki.txt --gate adapmoe --gate-threshold 0.005 --windows 20 --json\n"
        "  moescope-engine quality --text wiki.txt --model q4_0.gguf --reference f16.gguf\n"
        "  moescope-engine quality --text wiki.txt --costs-into calibration.json --reference f16.gguf --format q4_0.gguf");
    addMeasureFlags(*command, *flags);
    command
        ->add_option("--output", flags->output,
                     "Also write the JSON to this new file. Interrupted, the same command goes on where it was "
                     "(FILE.state keeps the windows)")
        ->type_name("FILE");
    command
        ->add_option("--costs-into", flags->costsInto,
                     "Measure the gates at falling mean numbers of experts and put the price list into this calibration file")
        ->type_name("FILE");
    command
        ->add_option("--format", flags->formats,
                     "With --costs-into: a further file of the model, a mark on the scale of quantisation losses")
        ->type_name("FILE")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    command->add_flag("--json", flags->json, "For programs: one JSON object");
    command->add_flag("--progress", flags->progress, "Show progress on stderr even if it is not a terminal");
    addEngineFlags(*command, flags->engine);
    command->callback([flags, &chosen] { chosen = [flags] { return runQualityCommand(*flags); }; });
}

} // namespace moescope::app
