#pragma once
#include "engine/calibrate/attention.h"
#include "engine/calibrate/experts.h"

#include <functional>

namespace moescope::calibrate {

/// One window's forward pass, as far as the reverse pass and the calibration's counts need it.
template <class Real>
struct Tape {
    struct Layer {
        AttentionTape<Real> attention;
        ExpertsTape<Real> experts;
    };
    std::vector<Layer> layers;
    Rows<Real> last; ///< [T x E], the residual stream after the last layer
    std::vector<Real> inverseRms;
    Rows<Real> normed;           ///< [T x E], what the output matrix reads
    Rows<Real> logProbabilities; ///< [T x V]
};

/// A Mixtral on windows of tokens in plain numbers: forward, and exactly in reverse. The loss is the sum of -log p(next token)
/// over a window; its last position has no next token and adds nothing. No cache, no quantised arithmetic, no policies: what
/// the engine's fast path is judged by, and the only place that knows gradients. Owned by a calibration; one thread.
template <class Real>
class Network {
public:
    /// Windows of 1 to `positions` tokens; ids must be below the vocabulary.
    Network(Weights<Real>& weights, int positions);

    void forward(std::span<const std::int32_t> tokens, Tape<Real>& tape);
    /// Goes on behind layer `layer` (-1: from the embeddings) from another residual stream than the tape's; hidden is used up.
    /// logProbabilities: [T x V]. With choices, the layers behind run the experts of that pass: the loss is then smooth in
    /// hidden, and its slope is what reverse() computes.
    void forwardFrom(int layer, Rows<Real>& hidden, Rows<Real>& logProbabilities, const Tape<Real>* choices = nullptr);

    /// Gradient [T x E] of the loss with respect to what a layer's experts give to the residual stream (y_l); from the last
    /// layer down. Returning false stops.
    using OnGradient = std::function<bool(int layer, const Rows<Real>& gradient)>;
    /// Needs a forward pass over the same tokens before. Returns the gradient at the embeddings (empty when stopped).
    Rows<Real> reverse(std::span<const std::int32_t> tokens, const Tape<Real>& tape, const OnGradient& onGradient);

    const model::ModelConfig& config() const { return m_weights.config(); }

private:
    void finish(const Rows<Real>& hidden, Rows<Real>& normed, std::vector<Real>& inverseRms, Rows<Real>& logProbabilities);

    Weights<Real>& m_weights;
    Attention<Real> m_attention;
    Experts<Real> m_experts;
    typename Tape<Real>::Layer m_scratch;
    Rows<Real> m_normed;
    std::vector<Real> m_inverseRms;
};

/// The window's loss: sum of -log p(next token), in nats.
template <class Real>
double lossOf(std::span<const std::int32_t> tokens, const Rows<Real>& logProbabilities);

/// sum over the vocabulary of p (log p - log q), per position, in nats.
template <class Real>
double divergence(std::span<const Real> logP, std::span<const Real> logQ);

extern template class Network<float>;
extern template class Network<double>;

} // namespace moescope::calibrate
