#include "engine/calibrate/experts.h"

namespace moescope::calibrate {

template <class Real>
void bestOf(std::span<const Real> values, std::span<std::uint16_t> out) {
    std::size_t found = 0;
    for (std::size_t id = 0; id < values.size(); ++id) {
        std::size_t at = found;
        while (at > 0 && values[id] > values[out[at - 1]])
            --at;
        if (at >= out.size())
            continue;
        found = std::min(found + 1, out.size());
        for (std::size_t move = found - 1; move > at; --move)
            out[move] = out[move - 1];
        out[at] = static_cast<std::uint16_t>(id);
    }
}

template void bestOf(std::span<const float>, std::span<std::uint16_t>);
template void bestOf(std::span<const double>, std::span<std::uint16_t>);

template <class Real>
void Experts<Real>::route(int layer, ExpertsTape<Real>& tape, std::span<const std::uint16_t> choices) {
    const model::ModelConfig& config = m_weights.config();
    const int tokens = tape.normed.count();
    tape.topK = config.topK;
    tape.ids.assign(choices.begin(), choices.end());
    tape.ids.resize(static_cast<std::size_t>(tokens * config.topK));
    tape.weights.resize(tape.ids.size());
    tape.probabilities.shape(tokens, config.experts);
    multiplyTransposed({tokens, config.experts, config.hidden}, ConstMatrix<Real>{tape.normed.row(0), config.hidden},
                       ConstMatrix<Real>{m_weights.dense(layer).router.data(), config.hidden},
                       Matrix<Real>{tape.probabilities.row(0), config.experts});
    const auto k = static_cast<std::size_t>(config.topK);
    for (int token = 0; token < tokens; ++token) {
        const auto row = tape.probabilities.at(token);
        const std::size_t first = static_cast<std::size_t>(token) * k;
        if (choices.empty())
            bestOf<Real>(row, std::span(tape.ids).subspan(first, k));
        softmaxInPlace(row);
        double sum = 0;
        for (std::size_t rank = first; rank < first + k; ++rank)
            sum += static_cast<double>(row[tape.ids[rank]]);
        for (std::size_t rank = first; rank < first + k; ++rank)
            tape.weights[rank] = config.renormaliseWeights ? static_cast<Real>(static_cast<double>(row[tape.ids[rank]]) / sum)
                                                           : row[tape.ids[rank]];
    }
}

template <class Real>
void Experts<Real>::collect(const ExpertsTape<Real>& tape, int expert) {
    m_rows.clear();
    for (std::size_t row = 0; row < tape.ids.size(); ++row)
        if (tape.ids[row] == expert)
            m_rows.push_back(static_cast<int>(row));
}

template <class Real>
void Experts<Real>::forward(int layer, Rows<Real>& hidden, ExpertsTape<Real>& tape, std::span<const std::uint16_t> choices) {
    const model::ModelConfig& config = m_weights.config();
    tape.input = hidden;
    rmsNorm<Real>(hidden, m_weights.dense(layer).expertNorm, config.rmsEpsilon, tape.normed, tape.inverseRms);
    route(layer, tape, choices);
    const int rows = static_cast<int>(tape.ids.size());
    tape.gates.shape(rows, config.expertWidth);
    tape.ups.shape(rows, config.expertWidth);
    tape.outputs.shape(rows, config.hidden);
    for (int expert = 0; expert < config.experts; ++expert) {
        collect(tape, expert);
        if (!m_rows.empty())
            run(layer, expert, tape);
    }
    for (int row = 0; row < rows; ++row)
        for (int i = 0; i < config.hidden; ++i)
            hidden.row(row / config.topK)[i] += tape.weights[static_cast<std::size_t>(row)] * tape.outputs.row(row)[i];
}

template <class Real>
void Experts<Real>::run(int layer, int expert, ExpertsTape<Real>& tape) {
    const model::ModelConfig& config = m_weights.config();
    const auto matrices = m_weights.expert(layer, expert);
    const int count = static_cast<int>(m_rows.size());
    const int width = config.expertWidth;
    m_in.shape(count, config.hidden);
    for (int i = 0; i < count; ++i)
        std::ranges::copy(tape.normed.at(m_rows[static_cast<std::size_t>(i)] / config.topK), m_in.row(i));
    m_gate.shape(count, width);
    m_up.shape(count, width);
    m_inner.shape(count, width);
    m_out.shape(count, config.hidden);
    const ConstMatrix<Real> in{m_in.row(0), config.hidden};
    multiplyTransposed({count, width, config.hidden}, in, ConstMatrix<Real>{matrices.gate, config.hidden},
                       Matrix<Real>{m_gate.row(0), width});
    multiplyTransposed({count, width, config.hidden}, in, ConstMatrix<Real>{matrices.up, config.hidden},
                       Matrix<Real>{m_up.row(0), width});
    const auto gates = m_gate.all();
    const auto ups = m_up.all();
    const auto inner = m_inner.all();
    for (std::size_t i = 0; i < inner.size(); ++i)
        inner[i] = gates[i] / (1 + exponential(-gates[i])) * ups[i];
    multiplyTransposed({count, config.hidden, width}, ConstMatrix<Real>{m_inner.row(0), width},
                       ConstMatrix<Real>{matrices.down, width}, Matrix<Real>{m_out.row(0), config.hidden});
    for (int i = 0; i < count; ++i) {
        const int row = m_rows[static_cast<std::size_t>(i)];
        std::ranges::copy(m_gate.at(i), tape.gates.row(row));
        std::ranges::copy(m_up.at(i), tape.ups.row(row));
        std::ranges::copy(m_out.at(i), tape.outputs.row(row));
    }
}

template <class Real>
void Experts<Real>::reverse(int layer, const ExpertsTape<Real>& tape, Rows<Real>& gradient) {
    const model::ModelConfig& config = m_weights.config();
    m_dNormed.shape(gradient.count(), config.hidden);
    for (int expert = 0; expert < config.experts; ++expert) {
        collect(tape, expert);
        if (!m_rows.empty())
            reverseExpert(layer, expert, tape, gradient);
    }
    reverseRouter(layer, tape, gradient);
    rmsNormReverse<Real>(tape.input, m_weights.dense(layer).expertNorm, tape.inverseRms, m_dNormed, gradient);
}

template <class Real>
void Experts<Real>::reverseExpert(int layer, int expert, const ExpertsTape<Real>& tape, const Rows<Real>& gradient) {
    const model::ModelConfig& config = m_weights.config();
    const auto matrices = m_weights.expert(layer, expert);
    const int count = static_cast<int>(m_rows.size());
    const int width = config.expertWidth;
    m_out.shape(count, config.hidden);
    for (int i = 0; i < count; ++i) {
        const int row = m_rows[static_cast<std::size_t>(i)];
        for (int j = 0; j < config.hidden; ++j)
            m_out.row(i)[j] = tape.weights[static_cast<std::size_t>(row)] * gradient.row(row / config.topK)[j];
    }
    m_inner.shape(count, width);
    multiply({count, width, config.hidden}, ConstMatrix<Real>{m_out.row(0), config.hidden},
             ConstMatrix<Real>{matrices.down, width}, Matrix<Real>{m_inner.row(0), width});
    m_gate.shape(count, width);
    m_up.shape(count, width);
    for (int i = 0; i < count; ++i) {
        const int row = m_rows[static_cast<std::size_t>(i)];
        const Real* gate = tape.gates.row(row);
        const Real* up = tape.ups.row(row);
        for (int j = 0; j < width; ++j) {
            const Real sigmoid = 1 / (1 + exponential(-gate[j]));
            const Real at = m_inner.row(i)[j];
            m_up.row(i)[j] = at * gate[j] * sigmoid;
            m_gate.row(i)[j] = at * up[j] * sigmoid * (1 + gate[j] * (1 - sigmoid));
        }
    }
    m_in.shape(count, config.hidden);
    const auto addTo = [&](const Rows<Real>& from, const Real* matrix) {
        multiply({count, config.hidden, width}, ConstMatrix<Real>{from.row(0), width}, ConstMatrix<Real>{matrix, config.hidden},
                 Matrix<Real>{m_in.row(0), config.hidden});
        for (int i = 0; i < count; ++i)
            for (int j = 0; j < config.hidden; ++j)
                m_dNormed.row(m_rows[static_cast<std::size_t>(i)] / config.topK)[j] += m_in.row(i)[j];
    };
    addTo(m_gate, matrices.gate);
    addTo(m_up, matrices.up);
}

/// Through the weights of the chosen experts: y = sum p_j f_j, p the softmax over the chosen ones (renormalised) or over all.
template <class Real>
void Experts<Real>::reverseRouter(int layer, const ExpertsTape<Real>& tape, const Rows<Real>& gradient) {
    const model::ModelConfig& config = m_weights.config();
    const int tokens = gradient.count();
    Rows<Real> dLogits(tokens, config.experts);
    for (int token = 0; token < tokens; ++token) {
        Real* row = dLogits.row(token);
        double mean = 0;
        for (int rank = 0; rank < config.topK; ++rank) {
            const double slope = dot<Real>(gradient.at(token), tape.outputs.at(token * config.topK + rank));
            const double weighted = static_cast<double>(tape.weight(token, rank)) * slope;
            row[tape.expert(token, rank)] = static_cast<Real>(weighted);
            mean += weighted;
        }
        if (config.renormaliseWeights)
            for (int rank = 0; rank < config.topK; ++rank)
                row[tape.expert(token, rank)] -= tape.weight(token, rank) * static_cast<Real>(mean);
        else
            for (int expert = 0; expert < config.experts; ++expert)
                row[expert] -= tape.probabilities.row(token)[expert] * static_cast<Real>(mean);
    }
    Rows<Real> part(tokens, config.hidden);
    multiply({tokens, config.hidden, config.experts}, ConstMatrix<Real>{dLogits.row(0), config.experts},
             ConstMatrix<Real>{m_weights.dense(layer).router.data(), config.hidden}, Matrix<Real>{part.row(0), config.hidden});
    m_dNormed.add(part);
}

template class Experts<float>;
template class Experts<double>;

} // namespace moescope::calibrate
