#pragma once
#include "engine/policy/gate_policy.h"

namespace moescope::policy {

/// What dropping costs by the pair-wise sensitivities, an estimate of the rise of the loss (up to AdapMoE's common factor).
///
/// Derivation (case A: kept weights are renormalised). With kept set K, dropped set D, weights p (sum 1), q_i = p_i / P_K, the
/// MoE output moves by
///     delta = sum_{j in D} p_j (fK - f_j),   fK = sum_{i in K} q_i f_i.
/// Write delta = P_D * sum_{j in D} (p_j / P_D) * sum_{i in K} q_i (f_i - f_j): P_D times a weighted mean of expert
/// differences. The square is convex, so with a = sum_d g_d^2 (.)_d^2 as in AdapMoE's second-order argument
///     a(delta) <= P_D * sum_{j in D} p_j * sum_{i in K} q_i * w[l][i][j],
/// a sum over the dropped experts in which each is measured against those that speak in its place. No experts need to be
/// uncorrelated for it. For k = 2 it is an equality, p_2^2 * w[l][first][second]; with equal w it is P_D^2 * w_l, the rule
/// `adapmoe`. Of a pair the expert with the larger weight is `first`, as it was when w was measured.
///
/// Case B (no renormalisation): delta = -sum_{j in D} p_j f_j and the same bound holds with w measured for that perturbation.
///
/// ranks: bit r set = the candidate of rank r is kept; at least one must be. 0 if nothing is dropped.
double pairError(const PairTable& table, int layer, const GateChoice& choice, std::uint32_t ranks);

/// The ranks 0..kept-1 as bits.
constexpr std::uint32_t firstRanks(int kept) {
    return (1U << static_cast<unsigned>(kept)) - 1U;
}

/// Whether the table knows the question's layer and all its experts.
inline bool covers(const PairTable& table, const GateQuestion& question) {
    return question.layer >= 0 && question.layer < table.layers() &&
           question.logits.size() <= static_cast<std::size_t>(table.experts());
}

/// The table of the parameters; throws std::invalid_argument with one sentence if there is none or a value is out of range.
std::shared_ptr<const PairTable> checkedPairs(const GateParameters& parameters, std::string_view gate);

} // namespace moescope::policy
