#pragma once
#include "engine/calibrate/elementwise.h"
#include "engine/calibrate/weights.h"

#include <cstdint>

namespace moescope::calibrate {

/// What one expert block did with a window of T tokens, k experts each. Row `token * k + rank` belongs to the expert of that
/// rank, best first. Kept for the reverse pass and for everything that a calibration counts.
template <class Real>
struct ExpertsTape {
    Rows<Real> input; ///< [T x E], the residual stream before the block
    std::vector<Real> inverseRms;
    Rows<Real> normed;              ///< [T x E], the gate's and the experts' input
    Rows<Real> probabilities;       ///< [T x N], softmax over all experts
    std::vector<std::uint16_t> ids; ///< [T*k]
    std::vector<Real> weights;      ///< [T*k], as the model uses them
    Rows<Real> gates;               ///< [T*k x F], before SiLU
    Rows<Real> ups;                 ///< [T*k x F]
    Rows<Real> outputs;             ///< [T*k x E], f_j(x), unweighted
    int topK = 0;

    int expert(int token, int rank) const { return ids[static_cast<std::size_t>(token * topK + rank)]; }
    Real weight(int token, int rank) const { return weights[static_cast<std::size_t>(token * topK + rank)]; }
};

/// The k best of one row of logits or probabilities, best first; equal ones: the lower id first. out: [k].
template <class Real>
void bestOf(std::span<const Real> values, std::span<std::uint16_t> out);

/// Router and SwiGLU experts, forward and in reverse, over one window of tokens. Part of Network; one thread.
template <class Real>
class Experts {
public:
    explicit Experts(Weights<Real>& weights) : m_weights(weights) {}

    /// hidden [T x E] += sum over the chosen experts, in rank order. choices [T*k]: run these instead of the router's best,
    /// weighted by the router all the same; empty: the best.
    void forward(int layer, Rows<Real>& hidden, ExpertsTape<Real>& tape, std::span<const std::uint16_t> choices = {});
    /// gradient [T x E]: of the loss with respect to the block's result on entry, to its input on return.
    void reverse(int layer, const ExpertsTape<Real>& tape, Rows<Real>& gradient);

private:
    void route(int layer, ExpertsTape<Real>& tape, std::span<const std::uint16_t> choices);
    void run(int layer, int expert, ExpertsTape<Real>& tape);
    void reverseExpert(int layer, int expert, const ExpertsTape<Real>& tape, const Rows<Real>& gradient);
    void reverseRouter(int layer, const ExpertsTape<Real>& tape, const Rows<Real>& gradient);
    /// Rows of the tape that belong to the expert.
    void collect(const ExpertsTape<Real>& tape, int expert);

    Weights<Real>& m_weights;
    std::vector<int> m_rows;
    Rows<Real> m_in, m_gate, m_up, m_inner, m_out;
    Rows<Real> m_dNormed; ///< [T x E]
};

extern template class Experts<float>;
extern template class Experts<double>;

} // namespace moescope::calibrate
