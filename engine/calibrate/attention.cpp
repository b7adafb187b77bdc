#include "engine/calibrate/attention.h"

namespace moescope::calibrate {
namespace {

constexpr int kBlockQueries = 64;

/// out [T x outputs] = x * transpose(weights), the plain linear layer.
template <class Real>
void linear(const Rows<Real>& x, const std::vector<Real>& weights, int outputs, Rows<Real>& out) {
    out.shape(x.count(), outputs);
    multiplyTransposed({x.count(), outputs, x.width()}, ConstMatrix<Real>{x.row(0), x.width()},
                       ConstMatrix<Real>{weights.data(), x.width()}, Matrix<Real>{out.row(0), outputs});
}

/// out [T x inputs] = gradient * weights: the linear layer in reverse.
template <class Real>
void linearReverse(const Rows<Real>& gradient, const std::vector<Real>& weights, int inputs, Rows<Real>& out) {
    out.shape(gradient.count(), inputs);
    multiply({gradient.count(), inputs, gradient.width()}, ConstMatrix<Real>{gradient.row(0), gradient.width()},
             ConstMatrix<Real>{weights.data(), inputs}, Matrix<Real>{out.row(0), inputs});
}

} // namespace

template <class Real>
Attention<Real>::Attention(const model::ModelConfig& config, int positions)
    : m_config(config), m_rotation(config.ropeBase, config.headSize, positions) {}

template <class Real>
std::vector<typename Attention<Real>::Block> Attention<Real>::blocks(int tokens) const {
    std::vector<Block> all;
    for (int first = 0; first < tokens; first += kBlockQueries) {
        const int count = std::min(kBlockQueries, tokens - first);
        all.push_back({.first = first, .count = count, .keys = first + count});
    }
    return all;
}

template <class Real>
void Attention<Real>::forward(const typename Weights<Real>::Dense& weights, Rows<Real>& hidden, AttentionTape<Real>& tape) {
    tape.input = hidden;
    rmsNorm<Real>(hidden, weights.attentionNorm, m_config.rmsEpsilon, m_normed, tape.inverseRms);
    linear(m_normed, weights.query, m_config.heads * m_config.headSize, tape.query);
    linear(m_normed, weights.key, m_config.kvHeads * m_config.headSize, tape.key);
    linear(m_normed, weights.value, m_config.kvHeads * m_config.headSize, tape.value);
    const int tokens = hidden.count();
    for (int token = 0; token < tokens; ++token) {
        m_rotation.turn(tape.query.at(token), token, Real{1});
        m_rotation.turn(tape.key.at(token), token, Real{1});
    }
    m_context.shape(tokens, tape.query.width());
    for (int head = 0; head < m_config.heads; ++head) {
        prepareHead(tape, head);
        for (const Block block : blocks(tokens)) {
            probabilities(tape, head, block);
            multiply({block.count, m_config.headSize, block.keys}, ConstMatrix<Real>{m_scores.row(0), block.keys},
                     ConstMatrix<Real>{tape.value.row(0) + sharedOffset(head), tape.value.width()},
                     Matrix<Real>{m_context.row(block.first) + offset(head), m_context.width()});
        }
    }
    linear(m_context, weights.attentionOut, m_config.hidden, m_mixed);
    hidden.add(m_mixed);
}

/// Keys and values of the head side by side, so that products run along the tokens.
template <class Real>
void Attention<Real>::prepareHead(const AttentionTape<Real>& tape, int head) {
    const int tokens = tape.key.count();
    m_keys.shape(m_config.headSize, tokens);
    m_values.shape(m_config.headSize, tokens);
    const int shared = sharedOffset(head);
    transpose(tokens, m_config.headSize, ConstMatrix<Real>{tape.key.row(0) + shared, tape.key.width()},
              Matrix<Real>{m_keys.row(0), tokens});
    transpose(tokens, m_config.headSize, ConstMatrix<Real>{tape.value.row(0) + shared, tape.value.width()},
              Matrix<Real>{m_values.row(0), tokens});
}

template <class Real>
void Attention<Real>::probabilities(const AttentionTape<Real>& tape, int head, Block block) {
    m_scores.shape(block.count, block.keys);
    multiply({block.count, block.keys, m_config.headSize},
             ConstMatrix<Real>{tape.query.row(block.first) + offset(head), tape.query.width()},
             ConstMatrix<Real>{m_keys.row(0), m_keys.width()}, Matrix<Real>{m_scores.row(0), block.keys});
    const Real scale = static_cast<Real>(1.0 / std::sqrt(static_cast<double>(m_config.headSize)));
    for (int query = 0; query < block.count; ++query) {
        const auto row = m_scores.at(query);
        const auto seen = row.first(static_cast<std::size_t>(block.first + query + 1));
        for (Real& score : seen)
            score *= scale;
        softmaxInPlace(seen);
        std::fill(row.begin() + static_cast<std::ptrdiff_t>(seen.size()), row.end(), Real{0});
    }
}

template <class Real>
void Attention<Real>::reverse(const typename Weights<Real>::Dense& weights, const AttentionTape<Real>& tape,
                              Rows<Real>& gradient) {
    const int tokens = gradient.count();
    linearReverse(gradient, weights.attentionOut, m_config.heads * m_config.headSize, m_context);
    m_dQuery.shape(tokens, tape.query.width());
    m_dKey.shape(tokens, tape.key.width());
    m_dValue.shape(tokens, tape.value.width());
    for (int head = 0; head < m_config.heads; ++head)
        reverseHead(tape, head);
    for (int token = 0; token < tokens; ++token) {
        m_rotation.turn(m_dQuery.at(token), token, Real{-1});
        m_rotation.turn(m_dKey.at(token), token, Real{-1});
    }
    linearReverse(m_dQuery, weights.query, m_config.hidden, m_normed);
    linearReverse(m_dKey, weights.key, m_config.hidden, m_mixed);
    m_normed.add(m_mixed);
    linearReverse(m_dValue, weights.value, m_config.hidden, m_mixed);
    m_normed.add(m_mixed);
    rmsNormReverse<Real>(tape.input, weights.attentionNorm, tape.inverseRms, m_normed, gradient);
}

template <class Real>
void Attention<Real>::reverseHead(const AttentionTape<Real>& tape, int head) {
    prepareHead(tape, head);
    for (const Block block : blocks(tape.query.count()))
        reverseBlock(tape, head, block);
}

template <class Real>
void Attention<Real>::reverseBlock(const AttentionTape<Real>& tape, int head, Block block) {
    const int size = m_config.headSize;
    const int shared = sharedOffset(head);
    probabilities(tape, head, block);
    const ConstMatrix<Real> dContext{m_context.row(block.first) + offset(head), m_context.width()};
    m_dScores.shape(block.count, block.keys);
    multiply({block.count, block.keys, size}, dContext, ConstMatrix<Real>{m_values.row(0), m_values.width()},
             Matrix<Real>{m_dScores.row(0), block.keys});
    m_turned.shape(block.keys, block.count);
    m_part.shape(block.keys, size);
    const auto addTurned = [&](const Rows<Real>& from, ConstMatrix<Real> other, Rows<Real>& sum) {
        transpose(block.count, block.keys, ConstMatrix<Real>{from.row(0), block.keys},
                  Matrix<Real>{m_turned.row(0), block.count});
        multiply({block.keys, size, block.count}, ConstMatrix<Real>{m_turned.row(0), block.count}, other,
                 Matrix<Real>{m_part.row(0), size});
        for (int key = 0; key < block.keys; ++key)
            for (int i = 0; i < size; ++i)
                sum.row(key)[shared + i] += m_part.row(key)[i];
    };
    addTurned(m_scores, dContext, m_dValue);
    const Real scale = static_cast<Real>(1.0 / std::sqrt(static_cast<double>(size)));
    for (int query = 0; query < block.count; ++query) {
        const auto p = m_scores.at(query);
        const auto d = m_dScores.at(query);
        const Real mean = static_cast<Real>(dot<Real>(p, d));
        for (std::size_t key = 0; key < d.size(); ++key)
            d[key] = p[key] * (d[key] - mean) * scale;
    }
    multiply({block.count, size, block.keys}, ConstMatrix<Real>{m_dScores.row(0), block.keys},
             ConstMatrix<Real>{tape.key.row(0) + shared, tape.key.width()},
             Matrix<Real>{m_dQuery.row(block.first) + offset(head), m_dQuery.width()});
    addTurned(m_dScores, ConstMatrix<Real>{tape.query.row(block.first) + offset(head), tape.query.width()}, m_dKey);
}

template class Attention<float>;
template class Attention<double>;

} // namespace moescope::calibrate
