#include "app/command_flags.h"

#include "app/command_list.h"
#include "app/console.h"
#include "app/run_facts.h"
#include "app/run_gate_target.h"
#include "engine/runtime/backend_choice.h"
#include "profiler/gpu/gpu_collector.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <iostream>
#include <iterator>

namespace moescope::app {
namespace {

struct SettingHelp {
    const char* name;
    const char* text;
};

/// What each setting does, with unit and example; names and defaults come from runtime::Settings.
constexpr SettingHelp kSettingHelp[] = {
    {"gate",
     "Which of the router's top-k experts run: topk (all of them, lossless); adapmoe, adapmoe-paper, adapmoe-pair (drop "
     "the weak ones by the layer's or the pair's sensitivity); adapmoe-residency (only those that would have to be "
     "fetched); or a control: static-k, score, top-p, ratio, random. Example: adapmoe-pair"},
    {"gate-threshold",
     "How much the gate may drop; 0 drops nothing, larger is faster and less exact. The adapmoe gates: dropped "
     "weight squared times sensitivity; score: weight; top-p: dropped share; ratio: weight over the best one's; "
     "static-k: experts fewer; random: rate. No unit. Example: 0.005"},
    {"gate-layers", "Layers with a threshold of their own, or none. Example: 0:0,5-7:0.02"},
    {"gate-phase", "Where the gate acts: both, decode (answers only) or prefill (prompts only)"},
    {"cache",
     "Who leaves the expert cache when a slot is needed: lru (least recently used), lfu (least often used), lcu (seldom "
     "used, and its layer's turn far off) or weighted (a mixture, see --cache-weights)"},
    {"cache-weights", "How much recency, frequency and nearness of the layer's turn count for the weighted cache. Example: "
                      "0.5,0.25,0.25"},
    {"cache-experts", "Experts that fit the fast memory, over all layers; 0 = all of them. Example: 32"},
    {"allocation",
     "How slots are shared out: uniform (the same for every layer), global (one pool), adapmoe-dp (least loads by "
     "AdapMoE's closed form) or curves (least loads by the calibration's hit curves)"},
    {"prefetch", "Fetch experts before they are asked for: none, or next-layer (guess with the next layers' routers)"},
    {"prefetch-depth", "Layers that next-layer looks ahead, 1 to 3"},
    {"prefetch-budget-mb", "Most that one layer of a step may prefetch, in MB (10^6 bytes), or auto: what the link's measured "
                           "spare time allows. Example: 2.5"},
    {"prefetch-spare-steps", "No guess takes the slot of an expert that was used, fetched ahead or foreseen within so many "
                             "steps; 1 = the present one, 0 = any may go. Example: 2"},
    {"prefetch-first-layer", "Also guess at the next token's first layer, by the calibration's gate for it: on or off"},
    {"prefetch-watch", "Rest guesses while they cost more time than they hide, and try again later: on or off"},
    {"link", "Speed of the emulated link to the slow tier: none (as fast as the machine copies), pcie3x4, pcie3x16, pcie4x16, "
             "pcie5x16, nvme7, or a number of GB/s. Example: 3.5"},
    {"miss-service",
     "Who computes an expert that is not resident: copy (it travels first), cpu (the processor, where it waits; "
     "the link is left to prefetching) or hybrid (shared so that both finish together, by measured times). No "
     "token changes with it. Prompts' experts travel where more than four tokens want them. Example: hybrid"},
};

/// Like CLI::Range, which lets NaN through.
CLI::Validator between(double least, double most) {
    const auto check = [least, most](std::string& text) -> std::string {
        double value = 0;
        if (CLI::detail::lexical_cast(text, value) && value >= least && value <= most)
            return {};
        return fmt::format("'{}' is not a number from {} to {}", text, least, most);
    };
    return {check, fmt::format("{}..{}", least, most)};
}

} // namespace

std::string settingHelp(const std::string& setting) {
    for (const SettingHelp& help : kSettingHelp)
        if (setting == help.name)
            return help.text;
    return "A setting of the run";
}

void addEngineFlags(CLI::App& command, EngineFlags& flags) {
    command.add_option("--model", flags.model, "Model file (GGUF). Default: the bundled one")->type_name("FILE");
    command.add_option("--threads", flags.threads, "Processor threads that compute. Default: one per core. Example: 2")
        ->check(CLI::Range(1, 1024))
        ->type_name("N");
    command
        .add_option("--calibration", flags.calibration,
                    "Per-layer sensitivities for the adapmoe gate (JSON). Default: calibration.json beside the model")
        ->type_name("FILE");
    command
        .add_option("--backend", flags.backend,
                    "Where to compute: auto (an NVIDIA GPU if there is one to use), cpu or cuda. Default: auto. Example: cpu")
        ->check(CLI::IsMember(runtime::backendNames()))
        ->type_name("NAME");
    command
        .add_option("--host-memory", flags.hostMemory,
                    "Where experts wait for the GPU: pinned (page-locked, the fastest), mapped (in the model file, for models "
                    "larger than the memory) or pageable")
        ->check(CLI::IsMember(runtime::hostMemoryNames()))
        ->capture_default_str()
        ->type_name("KIND");
    command.add_option(fmt::format("--{}", kGateTarget), flags.gateTarget, kGateTargetHelp)->type_name("K");
    const std::vector<std::string> names = runtime::settingNames();
    flags.settings.clear();
    for (const std::string& name : names)
        flags.settings.emplace_back(name, "");
    for (std::size_t i = 0; i < names.size(); ++i)
        command
            .add_option("--" + names[i], flags.settings[i].second,
                        fmt::format("{}. Default: {}", settingHelp(names[i]), runtime::settingValue({}, names[i])))
            ->type_name("VALUE")
            ->group("Settings (may also change while running)");
}

void addTraceFlags(CLI::App& command, TraceFlags& flags) {
    command
        .add_option(
            "--trace-level", flags.level,
            "What to record of the GPU beside the engine's own events: 0 nothing, 1 every copy, 2 also graph launches and "
            "waits, 3 also every kernel. Needs CUPTI 13.0; without it the run goes on and says what is missing")
        ->check(CLI::Range(0, gpu::kMostTraceLevel))
        ->capture_default_str()
        ->type_name("LEVEL");
    command.add_flag(
        "--pm-sampling", flags.pmSampling,
        "Also read the GPU's counters every millisecond: bytes over the link, memory, multiprocessors and tensor pipes, "
        "at any trace level. Where the driver lets only administrators do so, the run goes on and says it");
}

void addPromptFlags(CLI::App& command, PromptFlags& flags) {
    const char* group = "Question and sampling";
    model::SamplerSettings& s = flags.sampling;
    const auto repeatable = [&](const char* name, std::vector<std::string>& into, const char* help) {
        command.add_option(name, into, help)
            ->group(group)
            ->type_name("TEXT")
            ->take_all()
            ->expected(1)
            ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    };
    repeatable("--prompt", flags.prompts,
               "A question, rendered by the model's chat form. Give it again for the next turn. "
               "Example: \"Tell me a story about a fox.\"");
    repeatable("--raw-prompt", flags.rawPrompts,
               "Text that the model continues as it is, without chat form. Example: \"Once upon\"");
    repeatable("--stop", flags.stop, "End the answer where this text appears; may be given again");
    command.add_option("--prompt-file", flags.promptFile, "Read the question from a file (- is stdin)")
        ->group(group)
        ->type_name("FILE");
    command.add_option("--system", flags.system, "System prompt, put before the first question")
        ->group(group)
        ->type_name("TEXT");
    command.add_option("--max-tokens", flags.maxTokens, "Most tokens per answer")
        ->group(group)
        ->check(CLI::Range(1, 1 << 24))
        ->capture_default_str()
        ->type_name("N");
    command.add_option("--seed", s.seed, "Seed of the sampler: the same seed gives the same answer")
        ->group(group)
        ->capture_default_str()
        ->type_name("N");
    command.add_option("--temperature", s.temperature, "0 = always the likeliest token; higher = more surprising")
        ->group(group)
        ->check(between(0.0, 100.0))
        ->capture_default_str()
        ->type_name("T");
    command.add_option("--top-k", s.topK, "Sample among the K likeliest tokens; 0 = all")
        ->group(group)
        ->check(CLI::Range(0, 1 << 24))
        ->capture_default_str()
        ->type_name("K");
    command.add_option("--top-p", s.topP, "Sample among the likeliest tokens that make up this share; 1 = all")
        ->group(group)
        ->check(between(0.0, 1.0))
        ->capture_default_str()
        ->type_name("P");
    command.add_option("--min-p", s.minP, "Leave out tokens less likely than this times the likeliest; 0 = none")
        ->group(group)
        ->check(between(0.0, 1.0))
        ->capture_default_str()
        ->type_name("P");
    command.add_option("--repeat-penalty", s.repeatPenalty, "Above 1 discourages tokens of the last 64; 1 = off")
        ->group(group)
        ->check(between(0.01, 100.0))
        ->capture_default_str()
        ->type_name("R");
}

runtime::EngineOptions engineOptions(const EngineFlags& flags) {
    runtime::EngineOptions options;
    options.model = flags.model.empty() ? bundledModel() : std::filesystem::path(flags.model);
    if (!std::filesystem::exists(options.model))
        throw std::runtime_error(fmt::format("The model file {} does not exist.", options.model.string()));
    options.threads = flags.threads > 0 ? flags.threads : machineCores();
    options.calibration = flags.calibration;
    options.backend = flags.backend.empty() ? "auto" : flags.backend;
    options.hostMemory = flags.hostMemory;
    for (const auto& [name, value] : flags.settings)
        if (!value.empty())
            runtime::setSetting(options.settings, name, value);
    if (flags.gateTarget.empty())
        return options;
    if (options.settings.gateThreshold != 0)
        throw UsageError(fmt::format("--{} finds the threshold, so --gate-threshold has no meaning beside it.", kGateTarget));
    say("{}\n", applyGateTarget(options, flags.gateTarget));
    return options;
}

Questions questionsOf(const PromptFlags& flags) {
    const int kinds = (flags.prompts.empty() ? 0 : 1) + (flags.promptFile.empty() ? 0 : 1) + (flags.rawPrompts.empty() ? 0 : 1);
    if (kinds != 1)
        throw UsageError(kinds == 0 ? "There is no question: give --prompt, --prompt-file or --raw-prompt."
                                    : "--prompt, --prompt-file and --raw-prompt exclude each other.");
    if (!flags.rawPrompts.empty() && !flags.system.empty())
        throw UsageError("--system has no meaning with --raw-prompt, which skips the chat form.");
    if (!flags.rawPrompts.empty())
        return {flags.rawPrompts, true};
    if (!flags.prompts.empty())
        return {flags.prompts, false};
    return {{readText(flags.promptFile)}, false};
}

runtime::GenerationRequest samplingRequest(const PromptFlags& flags) {
    runtime::GenerationRequest request;
    request.maxTokens = flags.maxTokens;
    request.sampling = flags.sampling;
    request.stop = flags.stop;
    return request;
}

std::string readText(const std::string& path) {
    if (path == "-")
        return {std::istreambuf_iterator<char>(std::cin), {}};
    std::ifstream file(path, std::ios::binary);
    if (!file || std::filesystem::is_directory(path))
        throw std::runtime_error(fmt::format("The file {} cannot be read.", path));
    return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace moescope::app
