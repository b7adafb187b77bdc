#pragma once
#include "app/bench_ablation.h"
#include "app/bench_plot.h"
#include "app/quality_score.h"
#include "app/routing_collector.h"
#include "engine/policy/gate_costs.h"

namespace moescope::app {

struct GatePrice {
    std::string gate;
    double threshold = 0;
    QualityResult quality;
};

/// What a sweep of the simulator gave: a value per slot count and column.
struct CacheTable {
    std::vector<int> slots;
    std::vector<std::string> columns;
    std::vector<std::vector<double>> hitRate; ///< [slots][column]
};

/// All that the AdapMoE report says.
struct BenchFigures {
    std::vector<std::pair<std::string, std::string>> conditions; ///< name and value, in order
    std::vector<policy::QuantisationLoss> quantisation;
    int topK = 2;
    int layers = 0;
    std::int64_t expertBytes = 0;
    int slots = 0;                                   ///< of everything: layers times experts
    std::vector<GatePrice> accuracy;                 ///< everything resident
    std::vector<GatePrice> residency;                ///< token by token with half of the experts cached
    std::vector<std::vector<GuessCount>> recall;     ///< [depth - 1][layer]
    CacheTable eviction;                             ///< cache policies and the optimum, uniform allocation
    CacheTable allocation;                           ///< allocations, LRU, and the optimum of the uniform one
    std::vector<std::vector<AblationCell>> ablation; ///< rows
};

/// One of the report's aims.
struct BenchTarget {
    std::string what, wanted, got;
    bool reached = false;
    bool known = true; ///< false: this run did not measure it
};
std::vector<BenchTarget> benchTargets(const BenchFigures& figures);

/// A gate's value at that mean number of experts, on the line between its measured points; nothing outside of them.
std::optional<double> atMeanK(const std::vector<GatePrice>& prices, const std::string& gate, double meanExperts,
                              double QualityResult::*value);
/// The same at that mean KL.
std::optional<double> atKl(const std::vector<GatePrice>& prices, const std::string& gate, double meanKl,
                           double QualityResult::*value);

} // namespace moescope::app
