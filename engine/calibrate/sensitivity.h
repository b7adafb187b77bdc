#pragma once
#include "engine/calibrate/network.h"
#include "engine/calibrate/window_mean.h"

#include <string>

namespace moescope::calibrate {

/// Residual stream [T x E] behind an expert block of which each token's last expert was dropped: the kept ones' weights are
/// divided by their sum where the model renormalises.
Rows<float> withoutLastExpert(const ExpertsTape<float>& tape, bool renormalise);

/// Spearman's rank correlation, ties share their mean rank; 0 for fewer than two values or a constant list.
double rankCorrelation(std::span<const double> a, std::span<const double> b);

/// How much the loss suffers at one layer when expert weight is dropped, in the forms of AdapMoE (arXiv 2408.10284, section
/// 4.1; research: g the gradient of the loss with respect to the expert block's result y_l, f_j the experts' outputs).
/// For more than two experts per token, `second` stands for each chosen expert but the first in turn: dropping several adds
/// up their terms.
struct LayerSensitivity {
    WindowMean paper;            ///< w_l: sum_d g_d^2
    WindowMean refined;          ///< sum_d g_d^2 (f_first - f_second)_d^2
    WindowMean directKl;         ///< KL(plain || last expert of every token dropped at this layer alone), nats per token
    WindowMean droppedSquare;    ///< p^2 of the last expert's weight p
    std::vector<double> sums;    ///< [first * N + second] of the refined term
    std::vector<double> counts;  ///< [first * N + second] of (token, second)
    std::vector<double> squares; ///< [first * N + second] of p^2 of the last expert's weight

    /// Shrunk means [N] and [N * N]: (sum + kShrinkage * layer mean) / (count + kShrinkage), so that rare pairs are the mean.
    std::vector<double> bySecond() const;
    std::vector<double> byPair() const;
};
constexpr double kShrinkage = 20;

/// What one form says about the direct KL of each layer.
struct Prediction {
    std::string form;           ///< "w_l", "w_l_times_square", "refined", "refined_times_square", "second", "pair"
    std::vector<double> values; ///< [layers]; "times_square", second and pair: the mean of p^2 w over tokens
    double rankCorrelation = 0; ///< with the direct KL
};

/// Collects sensitivities window by window. Owned by a calibration; one thread.
class SensitivityMeter {
public:
    SensitivityMeter(int layers, int experts);

    /// gradient [T x E] at y_l, and the forward pass it belongs to.
    void addGradient(int layer, const ExpertsTape<float>& tape, const Rows<float>& gradient);
    /// logP and logQ [T x V] without and with the dropping at this layer.
    void addDirect(int layer, const Rows<float>& logP, const Rows<float>& logQ);

    const LayerSensitivity& layer(int index) const { return m_layers[static_cast<std::size_t>(index)]; }
    int layers() const { return static_cast<int>(m_layers.size()); }
    /// Empty without direct measurements.
    std::vector<Prediction> predictions() const;

private:
    int m_experts;
    std::vector<LayerSensitivity> m_layers;
};

} // namespace moescope::calibrate
