#include "app/command_flags.h"
#include "app/command_list.h"
#include "app/console.h"
#include "app/quality.h"
#include "app/run_signals.h"

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace moescope::app {
namespace {

struct QualityFlags {
    EngineFlags engine;
    std::string text;
    std::string mode = "prefill";
    int windows = 0;
    int windowTokens = 512;
    bool json = false;
    bool progress = false;
};

void printJson(const QualityResult& r, const runtime::Engine& engine, const QualityFlags& flags) {
    nlohmann::ordered_json out{{"perplexity", r.perplexity},
                               {"perplexity_standard_error", r.standardError},
                               {"baseline_perplexity", r.baselinePerplexity},
                               {"mean_kl", r.meanKl},
                               {"p99_kl", r.p99Kl},
                               {"equal_top1", r.equalTop1},
                               {"tokens_scored", r.tokensScored},
                               {"mean_experts_per_token_layer", r.meanExpertsPerTokenLayer},
                               {"single_expert_share", r.singleExpertShare},
                               {"windows", r.windows},
                               {"window_tokens", r.windowTokens},
                               {"mode", flags.mode},
                               {"model", engine.facts().name},
                               {"model_hash", engine.facts().hash}};
    const runtime::Settings settings = engine.settings();
    for (const std::string& name : runtime::settingNames())
        out["settings"][name] = runtime::settingValue(settings, name);
    tell("{}\n", out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

void printPlain(const QualityResult& r, const runtime::Engine& engine) {
    const runtime::Settings settings = engine.settings();
    tell("model                       {}\n", engine.facts().name);
    tell("gate                        {}, threshold {}\n", settings.gate, settings.gateThreshold);
    tell("perplexity                  {:.4f} +/- {:.4f}\n", r.perplexity, r.standardError);
    tell("without gating              {:.4f}\n", r.baselinePerplexity);
    tell("KL to the plain model       {:.6f} mean, {:.6f} 99th percentile (nats per token)\n", r.meanKl, r.p99Kl);
    tell("same first choice           {:.2f} %\n", r.equalTop1 * 100);
    tell("experts per token, layer    {:.3f} mean, one alone in {:.1f} %\n", r.meanExpertsPerTokenLayer,
         r.singleExpertShare * 100);
    tell("scored                      {} tokens in {} windows of {}\n", r.tokensScored, r.windows, r.windowTokens);
}

/// One line on stderr: windows, perplexity so far, time left.
class Progress {
public:
    explicit Progress(bool shown) : m_shown(shown) {}
    void window(std::int64_t done, std::int64_t all, double perplexity) const {
        if (!m_shown)
            return;
        const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - m_began;
        const double left = spent.count() / static_cast<double>(done) * static_cast<double>(all - done);
        say("\rwindow {} of {}, perplexity {:.4f}, {:.0f} s left   {}", done, all, perplexity, left, done == all ? "\n" : "");
    }

private:
    bool m_shown;
    std::chrono::steady_clock::time_point m_began = std::chrono::steady_clock::now();
};

int runQuality(const QualityFlags& flags) {
    const runtime::EngineOptions options = engineOptions(flags.engine);
    const std::string text = readText(flags.text);
    std::atomic<bool> interrupted = false;
    const StopSignals signals([&] { interrupted = true; });
    trace::NullTracer tracers;
    const trace::SteadyClock clock;
    runtime::Engine engine(options, tracers, clock);
    QualityOptions wanted;
    wanted.mode = flags.mode == "decode" ? runtime::Engine::ScoreMode::Decode : runtime::Engine::ScoreMode::Prefill;
    wanted.windowTokens = flags.windowTokens;
    wanted.maxWindows = flags.windows;
    const Progress progress(flags.progress || isatty(STDERR_FILENO) == 1);
    const QualityResult result =
        measureQuality(engine, text, wanted, [&](std::int64_t done, std::int64_t all, double perplexity) {
            progress.window(done, all, perplexity);
            return !interrupted;
        });
    if (flags.json)
        printJson(result, engine, flags);
    else
        printPlain(result, engine);
    if (interrupted)
        say("\nStopped on request; the figures are those of {} windows.\n", result.windows);
    return 0;
}

} // namespace

void addQualityCommand(CLI::App& root, Chosen& chosen) {
    auto flags = std::make_shared<QualityFlags>();
    CLI::App* command =
        root.add_subcommand("quality", "Measure what a gate costs: perplexity of a text, and KL to the plain model");
    command->footer(
        "Windowing as in llama.cpp's perplexity tool. Every window is scored twice, without and with the gate.\n\n"
        "Example:\n  moescope-engine quality --text wiki.txt --gate adapmoe --gate-threshold 0.005 --windows 20 --json");
    command->add_option("--text", flags->text, "Text file, UTF-8 (- is stdin)")->required()->type_name("FILE");
    command->add_option("--mode", flags->mode, "decode (one token per pass, as in chat) or prefill (batches, faster)")
        ->check(CLI::IsMember({"decode", "prefill"}))
        ->capture_default_str();
    command->add_option("--windows", flags->windows, "Score only the first N windows; 0 = all")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str()
        ->type_name("N");
    command->add_option("--window-tokens", flags->windowTokens, "Tokens per window (less if the model's context is smaller)")
        ->check(CLI::Range(8, 1 << 20))
        ->capture_default_str()
        ->type_name("N");
    command->add_flag("--json", flags->json, "For programs: one JSON object");
    command->add_flag("--progress", flags->progress, "Show progress on stderr even if it is not a terminal");
    addEngineFlags(*command, flags->engine);
    command->callback([flags, &chosen] { chosen = [flags] { return runQuality(*flags); }; });
}

} // namespace moescope::app
