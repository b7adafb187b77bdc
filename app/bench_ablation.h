#pragma once
#include "app/run.h"
#include "profiler/analysis/summary.h"

#include <functional>
#include <string>
#include <vector>

namespace moescope::app {

/// Which of AdapMoE's three parts a cell has. Base has none: LRU, whole top-k, no prefetch, uniform allocation.
struct Parts {
    std::string name;
    bool gating = false;
    bool prefetch = false;
    bool allocation = false;
    bool residencyGate = false; ///< with gating: spends its budget only on experts that would have to be fetched
};
/// base, each part, each pair, all, and all with the residency-aware gate.
std::vector<Parts> ablationParts();

struct AblationPlan {
    runtime::EngineOptions engine;
    runtime::Settings gating;      ///< the gate and its threshold of the cells with gating
    double residencyThreshold = 0; ///< of adapmoe-residency at the same price; 0: no such cells
    std::string allocation = "adapmoe-dp";
    int prefetchDepth = 1;
    std::vector<std::string> prompts{};
    std::vector<std::uint64_t> seeds{};
    int answerTokens = 64;
    std::vector<int> cacheExperts{};
    std::vector<std::string> links{};
    std::filesystem::path sessions{}; ///< folder for a session per cell
};

struct AblationCell {
    Parts parts;
    int cacheExperts = 0;
    std::string link;
    std::vector<double> tokensPerSecond; ///< [prompt * seeds + seed], decode
    analysis::Summary summary;           ///< of the cell's session
    std::string session;                 ///< file name
};

/// The settings of a cell.
runtime::Settings cellSettings(const AblationPlan& plan, const Parts& parts, int cacheExperts, const std::string& link);

/// Runs one row: the cells of one cache size and link. All engines are loaded at once and asked in turn, question by question,
/// beginning with another one each time, so that what the machine does meanwhile meets all of them. Nothing when keepOn said
/// stop. Throws one sentence.
std::vector<AblationCell> runAblationRow(const AblationPlan& plan, int cacheExperts, const std::string& link,
                                         const std::function<bool(double share)>& keepOn);

/// Ratio of a cell's speed to its base, question by question: the median, and the quartiles around it.
struct SpeedUp {
    double median = 0, lower = 0, upper = 0;
};
SpeedUp speedUp(const std::vector<double>& base, const std::vector<double>& cell);

} // namespace moescope::app
