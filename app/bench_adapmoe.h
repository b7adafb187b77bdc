#pragma once
#include "app/bench_figures.h"

#include <filesystem>
#include <functional>
#include <optional>

namespace moescope::app {

struct BenchPlan {
    runtime::EngineOptions engine; ///< model, threads, calibration
    std::string text;              ///< held out: not what the calibration saw
    std::string textName;
    std::filesystem::path output; ///< folder
    std::vector<std::string> prompts;
    std::vector<std::uint64_t> seeds;
    int answerTokens = 64;
    std::vector<double> cacheShares{0.25, 0.5, 0.75};
    std::vector<std::string> links;
    std::vector<double> meanExperts; ///< of the top-k, shares: the points of the accuracy curves
    int accuracyWindows = 32;
    int residencyWindows = 8;
    int windowTokens = 512;
    bool quick = false; ///< a few of everything, to see whether it works
    /// The prompts, seeds, links and points of a full or a quick run.
    void fill(bool quickRun);
};

/// phase for people, share of the whole that is done; returns false to stop.
using BenchProgress = std::function<bool(const std::string& phase, double share)>;

/// The paper's experiments. What is teacher-forced is kept in state files in the folder, so that an interrupted bench goes on
/// there; speeds are measured anew. Nothing when progress said stop. Throws one sentence.
std::optional<BenchFigures> runAdapmoeBench(const BenchPlan& plan, const BenchProgress& progress);

} // namespace moescope::app
