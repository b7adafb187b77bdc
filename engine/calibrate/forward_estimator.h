#pragma once
#include "engine/calibrate/network.h"

namespace moescope::calibrate {

/// A mean of squared slopes with the standard error of the sampling.
struct ProbedMean {
    double mean = 0;
    double standardError = 0;
    int probes = 0;
    bool reached = false; ///< the standard error asked for
};

struct ProbePlan {
    double relativeError = 0.05; ///< stop when the standard error is below this share of the mean
    int mostProbes = 2000;
    /// Size of a push, as a share of the residual stream's root mean square.
    double step = 3e-3;
    std::uint64_t seed = 1;
};

/// Sensitivities without gradients, for models whose reverse pass is too dear: y_l of all tokens of a window is pushed along
/// v ~ N(0, I), and the loss's slope is g.v, so that E[(g.v)^2] = |g|^2 (Hutchinson's estimator). Pushing along
/// v * (f_first - f_second) instead gives the refined form. The chosen experts are held, since a turned choice is a jump of the
/// loss that no gradient knows of. Owned by a calibration; one thread.
class ForwardEstimator {
public:
    using Window = std::vector<std::int32_t>;
    /// Windows of equal length. Throws std::invalid_argument with one sentence if there is none.
    ForwardEstimator(Network<float>& network, std::span<const Window> windows, const ProbePlan& plan);

    /// Told how many probes were made at this layer; returns false to stop at once, the result is then worth nothing.
    using OnProbe = std::function<bool(int probes)>;
    /// w_l: mean over tokens of sum_d g_d^2.
    ProbedMean paper(int layer, const OnProbe& onProbe) { return probe(layer, false, onProbe); }
    /// Mean over tokens of sum_d g_d^2 (f_first - f_second)_d^2; top-2 models only.
    ProbedMean refined(int layer, const OnProbe& onProbe) { return probe(layer, true, onProbe); }

private:
    ProbedMean probe(int layer, bool byDifference, const OnProbe& onProbe);
    /// Slope of the window's loss along a random push.
    double slope(const Window& window, const Tape<float>& tape, int layer, bool byDifference);

    Network<float>& m_network;
    std::span<const Window> m_windows;
    ProbePlan m_plan;
    std::uint64_t m_seed;
    Rows<float> m_push;
    Rows<float> m_hidden;
    Rows<float> m_logProbabilities;
};

} // namespace moescope::calibrate
