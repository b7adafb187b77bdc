#include "engine/calibrate/network.h"

namespace moescope::calibrate {
namespace {

const std::vector<std::uint16_t> kNoChoices;

} // namespace

template <class Real>
Network<Real>::Network(Weights<Real>& weights, int positions)
    : m_weights(weights), m_attention(weights.config(), positions), m_experts(weights) {}

template <class Real>
void Network<Real>::forward(std::span<const std::int32_t> tokens, Tape<Real>& tape) {
    Rows<Real> hidden(static_cast<int>(tokens.size()), config().hidden);
    for (std::size_t token = 0; token < tokens.size(); ++token)
        std::ranges::copy(m_weights.embedding(tokens[token]), hidden.row(static_cast<int>(token)));
    tape.layers.resize(static_cast<std::size_t>(config().layers));
    for (int layer = 0; layer < config().layers; ++layer) {
        auto& own = tape.layers[static_cast<std::size_t>(layer)];
        m_attention.forward(m_weights.dense(layer), hidden, own.attention);
        m_experts.forward(layer, hidden, own.experts);
    }
    finish(hidden, tape.normed, tape.inverseRms, tape.logProbabilities);
    tape.last = std::move(hidden);
}

template <class Real>
void Network<Real>::forwardFrom(int layer, Rows<Real>& hidden, Rows<Real>& logProbabilities, const Tape<Real>* choices) {
    for (int next = layer + 1; next < config().layers; ++next) {
        m_attention.forward(m_weights.dense(next), hidden, m_scratch.attention);
        const auto& ids = choices ? choices->layers[static_cast<std::size_t>(next)].experts.ids : kNoChoices;
        m_experts.forward(next, hidden, m_scratch.experts, ids);
    }
    finish(hidden, m_normed, m_inverseRms, logProbabilities);
}

template <class Real>
void Network<Real>::finish(const Rows<Real>& hidden, Rows<Real>& normed, std::vector<Real>& inverseRms,
                           Rows<Real>& logProbabilities) {
    rmsNorm<Real>(hidden, m_weights.outputNorm(), config().rmsEpsilon, normed, inverseRms);
    const int tokens = hidden.count();
    logProbabilities.shape(tokens, config().vocabulary);
    multiplyTransposed({tokens, config().vocabulary, config().hidden}, ConstMatrix<Real>{normed.row(0), config().hidden},
                       ConstMatrix<Real>{m_weights.output(), config().hidden},
                       Matrix<Real>{logProbabilities.row(0), config().vocabulary});
    for (int token = 0; token < tokens; ++token) {
        const auto row = logProbabilities.at(token);
        const Real most = *std::max_element(row.begin(), row.end());
        double sum = 0;
        for (const Real logit : row)
            sum += static_cast<double>(exponential(logit - most));
        const Real total = most + static_cast<Real>(std::log(sum));
        for (Real& logit : row)
            logit -= total;
    }
}

template <class Real>
Rows<Real> Network<Real>::reverse(std::span<const std::int32_t> tokens, const Tape<Real>& tape, const OnGradient& onGradient) {
    const int count = static_cast<int>(tokens.size());
    Rows<Real> dLogits(count, config().vocabulary);
    for (int token = 0; token + 1 < count; ++token) {
        const auto from = tape.logProbabilities.at(token);
        std::ranges::transform(from, dLogits.row(token), [](Real value) { return exponential(value); });
        dLogits.row(token)[tokens[static_cast<std::size_t>(token) + 1]] -= 1;
    }
    Rows<Real> dNormed(count, config().hidden);
    multiply({count, config().hidden, config().vocabulary}, ConstMatrix<Real>{dLogits.row(0), config().vocabulary},
             ConstMatrix<Real>{m_weights.output(), config().hidden}, Matrix<Real>{dNormed.row(0), config().hidden});
    Rows<Real> gradient(count, config().hidden);
    rmsNormReverse<Real>(tape.last, m_weights.outputNorm(), tape.inverseRms, dNormed, gradient);
    for (int layer = config().layers - 1; layer >= 0; --layer) {
        if (!onGradient(layer, gradient))
            return {};
        const auto& own = tape.layers[static_cast<std::size_t>(layer)];
        m_experts.reverse(layer, own.experts, gradient);
        m_attention.reverse(m_weights.dense(layer), own.attention, gradient);
    }
    return gradient;
}

template <class Real>
double lossOf(std::span<const std::int32_t> tokens, const Rows<Real>& logProbabilities) {
    double loss = 0;
    for (std::size_t token = 0; token + 1 < tokens.size(); ++token)
        loss -= static_cast<double>(logProbabilities.row(static_cast<int>(token))[tokens[token + 1]]);
    return loss;
}

template <class Real>
double divergence(std::span<const Real> logP, std::span<const Real> logQ) {
    double sum = 0;
    for (std::size_t i = 0; i < logP.size(); ++i)
        sum += static_cast<double>(exponential(logP[i]) * (logP[i] - logQ[i]));
    return sum;
}

template double lossOf(std::span<const std::int32_t>, const Rows<float>&);
template double lossOf(std::span<const std::int32_t>, const Rows<double>&);
template double divergence(std::span<const float>, std::span<const float>);
template double divergence(std::span<const double>, std::span<const double>);
template class Network<float>;
template class Network<double>;

} // namespace moescope::calibrate
