#pragma once
#include "engine/calibrate/elementwise.h"
#include "engine/calibrate/weights.h"

namespace moescope::calibrate {

/// What the reverse pass of one attention block needs of its forward pass. Probabilities are computed again: they are the
/// largest part and the cheapest to repeat.
template <class Real>
struct AttentionTape {
    Rows<Real> input; ///< [T x E] before the norm
    std::vector<Real> inverseRms;
    Rows<Real> query; ///< [T x H*D], rotated
    Rows<Real> key;   ///< [T x K*D], rotated
    Rows<Real> value; ///< [T x K*D]
};

/// Causal self-attention with grouped keys, forward and in reverse, over one window of tokens. Part of Network; one thread.
template <class Real>
class Attention {
public:
    /// Windows of up to `positions` tokens.
    Attention(const model::ModelConfig& config, int positions);

    /// hidden [T x E] += attention of its norm.
    void forward(const typename Weights<Real>::Dense& weights, Rows<Real>& hidden, AttentionTape<Real>& tape);
    /// gradient [T x E]: of the loss with respect to the block's result on entry, to its input on return.
    void reverse(const typename Weights<Real>::Dense& weights, const AttentionTape<Real>& tape, Rows<Real>& gradient);

private:
    struct Block { ///< of queries; each sees the keys 0 to its own position
        int first = 0;
        int count = 0;
        int keys = 0;
    };
    std::vector<Block> blocks(int tokens) const;
    void prepareHead(const AttentionTape<Real>& tape, int head);
    void probabilities(const AttentionTape<Real>& tape, int head, Block block);
    void reverseHead(const AttentionTape<Real>& tape, int head);
    void reverseBlock(const AttentionTape<Real>& tape, int head, Block block);
    int offset(int head) const { return head * m_config.headSize; }
    int sharedOffset(int head) const { return head / (m_config.heads / m_config.kvHeads) * m_config.headSize; }

    const model::ModelConfig& m_config;
    Rotation<Real> m_rotation;
    Rows<Real> m_normed;
    Rows<Real> m_context; ///< [T x H*D]; its gradient in reverse
    Rows<Real> m_mixed;
    Rows<Real> m_keys;   ///< [D x T], of one head
    Rows<Real> m_values; ///< [D x T], of one head
    Rows<Real> m_scores; ///< [block x T]
    Rows<Real> m_dScores;
    Rows<Real> m_turned; ///< [T x block]
    Rows<Real> m_part;   ///< [T x D]
    Rows<Real> m_dQuery, m_dKey, m_dValue;
};

extern template class Attention<float>;
extern template class Attention<double>;

} // namespace moescope::calibrate
