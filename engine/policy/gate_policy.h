#pragma once
#include "engine/policy/layer_thresholds.h"
#include "engine/policy/pair_table.h"
#include "engine/trace/routing_payload.h"

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace moescope::policy {

/// Where an expert is, as policies may ask. Pure data: the cache answers for the engine, a replay for the simulator.
class Residency {
public:
    virtual ~Residency() = default;
    virtual bool resident(trace::ExpertKey key) const = 0;
};

/// What the model fixes about routing at one layer.
struct RouterRule {
    int topK = 2;
    bool renormalise = true; ///< the kept weights are divided by their sum (Mixtral, Qwen3)
};

struct GateQuestion {
    int layer = 0;
    std::span<const float> logits; ///< [experts], the router's output for one token
    RouterRule rule;
    const Residency* residency = nullptr; ///< may be null: then a residency-aware rule treats all as resident
    trace::TokenIndex token{};            ///< that is being read; only a random rule looks at it
    trace::Phase phase = trace::Phase::Decode;
};

/// The answer: candidates sorted by falling weight (ties: lower id first), the first `kept` of them run.
/// A rule may keep a non-prefix; it then reorders so that the kept ones come first, each part sorted by falling weight.
struct GateChoice {
    std::array<std::uint16_t, trace::kMaxTopK> ids{};
    std::array<float, trace::kMaxTopK> candidateWeights{}; ///< before dropping, as the model would have used them
    std::array<float, trace::kMaxTopK> weights{}; ///< [kept] as used: renormalised over the kept ones where the rule says so
    int candidates = 0;
    int kept = 0;

    /// Share of the candidates' weight that is dropped, 0..1. AdapMoE's (1 - alpha) for top-2.
    float droppedShare() const;
};

/// Router logits -> experts that run and their weights. Pure: no clock, no thread, no I/O; equal questions give equal answers.
class GatePolicy {
public:
    virtual ~GatePolicy() = default;
    virtual std::string_view name() const = 0;
    /// True if no setting of this policy ever drops an expert: the tokens are then those of the plain model.
    virtual bool lossless() const = 0;
    /// probabilities (scratch and result, [experts]) receives the softmax over all experts.
    virtual GateChoice choose(const GateQuestion& question, std::span<float> probabilities) const = 0;
};

/// In which steps a gate may drop experts; in the others every chosen expert runs.
enum class GatePhases : std::uint8_t { Both, Decode, Prefill };
std::vector<std::string> gatePhaseNames();
/// Throws std::invalid_argument with one sentence if the name is unknown.
GatePhases gatePhasesFrom(std::string_view name);

struct GateParameters {
    /// Of every gate: 0 drops nothing, more drops more. T of the AdapMoE rules; the weight of `score`; the dropped mass of
    /// `top-p`; the ratio to the best weight of `ratio`; the experts fewer of `static-k`; the rate of `random`.
    double threshold = 0;
    std::vector<double> sensitivity;               ///< w_l per layer, refined form; needed by adapmoe
    std::vector<double> paperSensitivity{};        ///< w_l per layer, the paper's form; needed by adapmoe-paper
    std::shared_ptr<const PairTable> pairs{};      ///< needed by adapmoe-pair and adapmoe-residency
    std::vector<std::vector<double>> expertNorm{}; ///< s[layer][expert], mean output norm; may be empty
    LayerOverrides overrides{};
    GatePhases phases = GatePhases::Both;
    std::uint64_t seed = 0; ///< of `random`
};

/// Names that makeGatePolicy knows, in menu order.
std::vector<std::string> gatePolicyNames();
/// Throws std::invalid_argument with one sentence if the name is unknown or a needed parameter is missing or out of range.
std::unique_ptr<GatePolicy> makeGatePolicy(std::string_view name, const GateParameters& parameters);

/// Softmax over logits into out (may alias), and the plain top-k choice by it. The common first step of every rule.
GateChoice topKChoice(std::span<const float> logits, RouterRule rule, std::span<float> probabilities);

} // namespace moescope::policy
