#include "app/bench_adapmoe.h"
#include "app/bench_report.h"
#include "app/command_flags.h"
#include "app/command_list.h"
#include "app/console.h"
#include "app/progress_bar.h"
#include "app/run_facts.h"
#include "app/run_signals.h"
#include "engine/calibrate/calibration_file.h"

#include <CLI/CLI.hpp>
#include <atomic>

namespace moescope::app {
namespace {

namespace fs = std::filesystem;

struct BenchFlags {
    std::string model;
    std::string calibration;
    std::string text;
    std::string output;
    std::vector<std::string> links;
    int threads = 0;
    int windows = 0;
    bool quick = false;
    bool progress = false;
};

BenchPlan planOf(const BenchFlags& flags) {
    BenchPlan plan;
    plan.fill(flags.quick);
    plan.engine.model = flags.model.empty() ? bundledModel() : fs::path(flags.model);
    if (!fs::exists(plan.engine.model))
        throw std::runtime_error(fmt::format("The model file {} does not exist.", plan.engine.model.string()));
    plan.engine.calibration = flags.calibration;
    plan.engine.threads = flags.threads > 0 ? flags.threads : machineCores();
    plan.text = readText(flags.text);
    plan.textName = flags.text == "-" ? "stdin" : fs::path(flags.text).filename().string();
    plan.output = flags.output;
    if (!flags.links.empty())
        plan.links = flags.links;
    for (const std::string& link : plan.links) {
        runtime::Settings scratch;
        runtime::setSetting(scratch, "link", link);
    }
    if (flags.windows > 0)
        plan.accuracyWindows = flags.windows;
    return plan;
}

int runBench(const BenchFlags& flags) {
    const BenchPlan plan = planOf(flags);
    std::error_code problem;
    fs::create_directories(plan.output, problem);
    if (!fs::is_directory(plan.output))
        throw std::runtime_error(fmt::format("The folder {} cannot be made.", plan.output.string()));
    std::atomic<bool> interrupted = false;
    const StopSignals signals([&] { interrupted = true; });
    ProgressBar bar(flags.progress || ProgressBar::wanted());
    const auto figures = runAdapmoeBench(plan, [&](const std::string& phase, double share) {
        bar.show(phase, share);
        return !interrupted;
    });
    bar.end();
    if (!figures) {
        say("Stopped on request; no report was written. The same command goes on from what is in {}.\n", flags.output);
        return 1;
    }
    const bool drawn = drawPlots(plan.output, benchPlots(*figures));
    const fs::path report = plan.output / "report.md";
    calibrate::writeWhole(report, benchReport(*figures, drawn));
    for (const BenchTarget& target : benchTargets(*figures))
        tell("{:<4} {}: {} (aim: {})\n",
             !target.known    ? "-"
             : target.reached ? "yes"
                              : "no",
             target.what, target.known ? target.got : "not measured", target.wanted);
    tell("report: {}{}\n", report.string(), drawn ? "" : " (without pictures: there is no gnuplot)");
    return 0;
}

} // namespace

void addBenchCommand(CLI::App& root, Chosen& chosen) {
    auto flags = std::make_shared<BenchFlags>();
    CLI::App* bench = root.add_subcommand("bench", "Experiments on a model, with a report");
    bench->require_subcommand(1);
    CLI::App* command = bench->add_subcommand(
        "adapmoe", "The AdapMoE paper's experiments: ablation, price of gating, prefetch recall, caches, allocation");
    command->footer(
        "Writes report.md with pictures and a session per cell. Interrupted, the teacher-forced part goes on where it was.\n\n"
        "Example:\n  moescope-engine bench adapmoe --text tinystories-valid.txt --output adapmoe");
    command->add_option("--output", flags->output, "Folder for report, pictures and sessions")->required()->type_name("FOLDER");
    command->add_option("--text", flags->text, "Text that the calibration has not seen, UTF-8 (- is stdin)")
        ->required()
        ->type_name("FILE");
    command->add_option("--model", flags->model, "Model file (GGUF). Default: the bundled one")->type_name("FILE");
    command
        ->add_option("--calibration", flags->calibration, "Calibration file (JSON). Default: calibration.json beside the model")
        ->type_name("FILE");
    command->add_option("--threads", flags->threads, "Processor threads that compute. Default: one per core")
        ->check(CLI::Range(1, 1024))
        ->type_name("N");
    command
        ->add_option("--link", flags->links,
                     "Link of the cells; may be given again. Default: pcie3x16, pcie4x16, pcie3x4 and 1 GB/s")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->type_name("LINK");
    command->add_option("--windows", flags->windows, "Windows of text per gate and threshold. Default: 32")
        ->check(CLI::Range(1, 1 << 20))
        ->type_name("N");
    command->add_flag("--quick", flags->quick, "A few of everything, to see whether it works: the figures mean nothing");
    command->add_flag("--progress", flags->progress, "Show progress on stderr even if it is not a terminal");
    command->callback([flags, &chosen] { chosen = [flags] { return runBench(*flags); }; });
}

} // namespace moescope::app
