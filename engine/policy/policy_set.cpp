// Names of all policies and how to build them: the one place to add a line when a policy is added.
#include "engine/policy/adapmoe_dp_policy.h"
#include "engine/policy/adapmoe_pair_policy.h"
#include "engine/policy/adapmoe_policy.h"
#include "engine/policy/adapmoe_residency_policy.h"
#include "engine/policy/copy_service.h"
#include "engine/policy/curves_policy.h"
#include "engine/policy/global_policy.h"
#include "engine/policy/hybrid_service.h"
#include "engine/policy/in_place_service.h"
#include "engine/policy/lcu_policy.h"
#include "engine/policy/lfu_policy.h"
#include "engine/policy/lru_policy.h"
#include "engine/policy/next_layer_policy.h"
#include "engine/policy/no_prefetch_policy.h"
#include "engine/policy/phase_gate.h"
#include "engine/policy/random_policy.h"
#include "engine/policy/ratio_policy.h"
#include "engine/policy/score_policy.h"
#include "engine/policy/static_k_policy.h"
#include "engine/policy/top_p_policy.h"
#include "engine/policy/topk_policy.h"
#include "engine/policy/uniform_policy.h"
#include "engine/policy/weighted_policy.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <stdexcept>

namespace moescope::policy {

namespace {

[[noreturn]] void unknown(std::string_view kind, std::string_view name, const std::vector<std::string>& known) {
    throw std::invalid_argument(fmt::format("There is no {} policy '{}'; known are {}.", kind, name, fmt::join(known, ", ")));
}

std::unique_ptr<GatePolicy> makeBareGate(std::string_view name, const GateParameters& parameters) {
    if (name == "topk")
        return std::make_unique<TopkPolicy>();
    if (name == "adapmoe")
        return std::make_unique<AdapmoePolicy>(parameters, AdapmoePolicy::Form::Refined);
    if (name == "adapmoe-paper")
        return std::make_unique<AdapmoePolicy>(parameters, AdapmoePolicy::Form::Paper);
    if (name == "adapmoe-pair")
        return std::make_unique<AdapmoePairPolicy>(parameters);
    if (name == "adapmoe-residency")
        return std::make_unique<AdapmoeResidencyPolicy>(parameters);
    if (name == "static-k")
        return std::make_unique<StaticKPolicy>(parameters);
    if (name == "score")
        return std::make_unique<ScorePolicy>(parameters);
    if (name == "top-p")
        return std::make_unique<TopPPolicy>(parameters);
    if (name == "ratio")
        return std::make_unique<RatioPolicy>(parameters);
    if (name == "random")
        return std::make_unique<RandomPolicy>(parameters);
    unknown("gate", name, gatePolicyNames());
}

} // namespace

std::vector<std::string> gatePolicyNames() {
    return {"topk",     "adapmoe", "adapmoe-paper", "adapmoe-pair", "adapmoe-residency",
            "static-k", "score",   "top-p",         "ratio",        "random"};
}

std::unique_ptr<GatePolicy> makeGatePolicy(std::string_view name, const GateParameters& parameters) {
    auto gate = makeBareGate(name, parameters);
    if (parameters.phases == GatePhases::Both)
        return gate;
    return std::make_unique<PhaseGate>(std::move(gate), parameters.phases);
}

std::vector<std::string> gatePhaseNames() {
    return {"both", "decode", "prefill"};
}

GatePhases gatePhasesFrom(std::string_view name) {
    if (name == "both")
        return GatePhases::Both;
    if (name == "decode")
        return GatePhases::Decode;
    if (name == "prefill")
        return GatePhases::Prefill;
    throw std::invalid_argument(
        fmt::format("There is no gate phase '{}'; known are {}.", name, fmt::join(gatePhaseNames(), ", ")));
}

std::vector<std::string> cachePolicyNames() {
    return {"lru", "lfu", "lcu", "weighted"};
}

std::unique_ptr<CachePolicy> makeCachePolicy(std::string_view name, const CacheWeights& weights) {
    if (name == "lru")
        return std::make_unique<LruPolicy>();
    if (name == "lfu")
        return std::make_unique<LfuPolicy>();
    if (name == "lcu")
        return std::make_unique<LcuPolicy>();
    if (name == "weighted")
        return std::make_unique<WeightedPolicy>(weights);
    unknown("cache", name, cachePolicyNames());
}

std::vector<std::string> allocationPolicyNames() {
    return {"uniform", "global", "adapmoe-dp", "curves"};
}

std::unique_ptr<AllocationPolicy> makeAllocationPolicy(std::string_view name, const AllocationParameters& parameters) {
    if (name == "uniform")
        return std::make_unique<UniformPolicy>();
    if (name == "global")
        return std::make_unique<GlobalPolicy>();
    if (name == "adapmoe-dp")
        return std::make_unique<AdapmoeDpPolicy>(parameters);
    if (name == "curves")
        return std::make_unique<CurvesPolicy>(parameters);
    unknown("allocation", name, allocationPolicyNames());
}

std::vector<std::string> prefetchPolicyNames() {
    return {"none", "next-layer"};
}

std::unique_ptr<PrefetchPolicy> makePrefetchPolicy(std::string_view name, const PrefetchParameters& parameters) {
    if (name == "none")
        return std::make_unique<NoPrefetchPolicy>();
    if (name == "next-layer")
        return std::make_unique<NextLayerPolicy>(parameters);
    unknown("prefetch", name, prefetchPolicyNames());
}

std::vector<std::string> missServiceNames() {
    return {"copy", "cpu", "hybrid"};
}

std::unique_ptr<MissService> makeMissService(std::string_view name) {
    if (name == "copy")
        return std::make_unique<CopyService>();
    if (name == "cpu")
        return std::make_unique<InPlaceService>();
    if (name == "hybrid")
        return std::make_unique<HybridService>();
    unknown("miss service", name, missServiceNames());
}

} // namespace moescope::policy
