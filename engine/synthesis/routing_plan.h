#pragma once
#include "engine/synthesis/model_shape.h"

#include <vector>

namespace moescope::synthesis {

/// Columns at the start of the hidden state that hold one constant for every token, in every layer. Attention keys and queries
/// read it; nothing writes to it.
constexpr int kAnchorColumns = 32;

/// The sizes of one layer's random matrices, as standard deviations of what they make: all per element of the hidden state.
struct LayerPlan {
    double attentionInput = 1; ///< root mean square of the hidden state, all columns, where attention reads it
    double expertInput = 1;    ///< the same where router and experts read it
    double attentionGain = 0;  ///< standard deviation of attention's output for values of unit variance, before W_o: see below
    double attentionPower = 0; ///< variance that attention adds to the hidden state
    double expertPower = 0;    ///< variance that the experts add
    double routerSpread = 1;   ///< standard deviation of the router's logits
};

/// How a random model is made to choose experts as a trained one does. Two facts of trained models carry over:
///
/// 1. *Neighbouring layers see similar states* (next-gate recall). Router logits of a random router are Gaussian; two states
///    with the correlation c give logits with the correlation c, and the share of common top-k experts is a fixed rising
///    function of c (here: overlap(), by sampling). The residual stream makes c: between two routers it gains the variance
///    T = H (1/c² - 1). So the wanted recall of a layer fixes how much the experts before it and its own attention may add.
/// 2. *Neighbouring tokens see similar states* (reuse). Embeddings are independent, so similarity must come from attention: a
///    moving average over the last tokens changes slowly. Queries and keys are the same for every token (they read the anchor
///    columns), and rotary embedding turns this into scores that fall with the distance alone: Σ_i w cos(θ_i Δ), which for
///    rotary frequencies is near -log Δ. w is chosen so that the average of independent tokens has a given correlation
///    with the next one. The autocorrelation of the hidden state is followed through all layers, and T is split between
///    attention (raises it) and experts (lower it) so that the reuse comes close to what was wanted.
///
/// Measured with this program's engine on the tales shape, Q8_0, seeds 1 to 3, 2048 tokens of English children's stories in
/// windows of 512, means over layers (aimed at): reuse 0.366, 0.355, 0.366 (0.36), next-gate recall 0.903, 0.902, 0.902
/// (0.905); per layer within 0.06 of the aim. The busiest of eight experts takes 18-19 % of the choices, the idlest 7-8 %. The
/// bundled model, same text: 0.335, 0.911, 23 % and 6 %. `./run bench-routing MODEL TEXT` prints these figures for any model.
/// Mixtral-8x7B's shape cut to 4 layers, Q4_0, seed 1, 128 tokens of the same text: reuse 0.276, 0.256, 0.346, 0.327
/// (0.27-0.29), recall 0.832, 0.875, 0.875 (0.849, 0.915, 0.888); the best expert repeats that of the token before in 18 %
/// (published for the real model: 21 %).
///
/// Everything else (which expert, balance, entropy) is what a random matrix makes of it; the router's spread grows with depth
/// so that the second expert's weight falls, as measured on real models.
struct RoutingPlan {
    double kernelSharpness = 0;         ///< w
    std::vector<double> kernel;         ///< [lag] weights of attention, far from the start of a text
    std::vector<LayerPlan> layers;      ///< [layers]
    double finalRms = 1;                ///< root mean square of the last hidden state
    std::vector<double> expectedReuse;  ///< [layers]
    std::vector<double> expectedRecall; ///< [layers], 0 for layer 0
};

/// Share of the top k of n Gaussian numbers that are also among the top k of n others with this correlation. Sampled with a
/// fixed seed: ±0.01.
double overlap(int experts, int topK, double correlation);

/// Deterministic. The shape's layer count may differ from the published one; targets are stretched over it.
RoutingPlan planRouting(const ModelShape& shape);

} // namespace moescope::synthesis
