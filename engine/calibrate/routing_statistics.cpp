#include "engine/calibrate/routing_statistics.h"

namespace moescope::calibrate {
namespace {

bool chose(const ExpertsTape<float>& tape, int token, int expert) {
    for (int rank = 0; rank < tape.topK; ++rank)
        if (tape.expert(token, rank) == expert)
            return true;
    return false;
}

void addPrediction(std::span<const std::uint16_t> predicted, const ExpertsTape<float>& chosen, int token, GateRecall& recall) {
    double all = 0;
    double found = 0;
    for (int rank = 0; rank < chosen.topK; ++rank) {
        const auto weight = static_cast<double>(chosen.weight(token, rank));
        all += weight;
        if (std::ranges::find(predicted, chosen.expert(token, rank)) == predicted.end())
            continue;
        recall.slots += 1;
        found += weight;
    }
    recall.asked += chosen.topK;
    recall.mass += all > 0 ? found / all : 0;
    recall.tokens += 1;
}

} // namespace

double LayerRouting::meanOutputNorm(int expert) const {
    const auto at = static_cast<std::size_t>(expert);
    return usage[at] > 0 ? outputNorm[at] / static_cast<double>(usage[at]) : 0;
}

double LayerRouting::meanSecondWeight() const {
    double sum = 0;
    for (const float weight : secondWeights)
        sum += static_cast<double>(weight);
    return secondWeights.empty() ? 0 : sum / static_cast<double>(secondWeights.size());
}

std::vector<double> LayerRouting::secondWeightQuantiles() const {
    std::vector<double> quantiles;
    std::vector<float> sorted = secondWeights;
    std::ranges::sort(sorted);
    for (int point = 0; point < kWeightQuantiles && !sorted.empty(); ++point) {
        const double place = static_cast<double>(point) / (kWeightQuantiles - 1) * static_cast<double>(sorted.size() - 1);
        quantiles.push_back(static_cast<double>(sorted[static_cast<std::size_t>(std::lround(place))]));
    }
    return quantiles;
}

RoutingStatistics::RoutingStatistics(Weights<float>& weights)
    : m_weights(weights), m_layers(static_cast<std::size_t>(weights.config().layers)) {
    const auto experts = static_cast<std::size_t>(weights.config().experts);
    for (LayerRouting& layer : m_layers) {
        layer.usage.resize(experts);
        layer.outputNorm.resize(experts);
        layer.followed.resize(experts);
        layer.transitions.resize(experts * experts);
    }
}

void RoutingStatistics::add(const Tape<float>& tape) {
    for (std::size_t layer = 0; layer < m_layers.size(); ++layer)
        addLayer(tape.layers[layer].experts, m_layers[layer]);
    for (int to = 1; to < static_cast<int>(m_layers.size()); ++to)
        for (int depth = 1; depth <= std::min(kMaxGateDepth, to); ++depth)
            addRecall(tape, to - depth, to);
}

void RoutingStatistics::addLayer(const ExpertsTape<float>& tape, LayerRouting& own) const {
    const int tokens = tape.normed.count();
    const auto experts = static_cast<int>(own.usage.size());
    own.tokens += tokens;
    for (int token = 0; token < tokens; ++token) {
        for (int rank = 0; rank < tape.topK; ++rank) {
            const int expert = tape.expert(token, rank);
            const auto at = static_cast<std::size_t>(expert);
            const auto output = tape.outputs.at(token * tape.topK + rank);
            own.usage[at] += 1;
            own.outputNorm[at] += std::sqrt(dot<float>(output, output));
            if (token > 0) {
                own.reuseAsked += 1;
                own.reused += chose(tape, token - 1, expert) ? 1 : 0;
            }
            if (token + 1 == tokens)
                continue;
            own.followed[at] += 1;
            for (int next = 0; next < tape.topK; ++next)
                own.transitions[static_cast<std::size_t>(expert * experts + tape.expert(token + 1, next))] += 1;
        }
        if (tape.topK > 1)
            own.secondWeights.push_back(tape.weight(token, 1));
    }
}

void RoutingStatistics::addRecall(const Tape<float>& tape, int from, int to) {
    const model::ModelConfig& config = m_weights.config();
    const ExpertsTape<float>& source = tape.layers[static_cast<std::size_t>(from)].experts;
    const ExpertsTape<float>& target = tape.layers[static_cast<std::size_t>(to)].experts;
    const auto& weights = m_weights.dense(to);
    LayerRouting& own = m_layers[static_cast<std::size_t>(to)];
    Rows<float> normed;
    std::vector<float> inverseRms;
    rmsNorm<float>(source.input, weights.expertNorm, config.rmsEpsilon, normed, inverseRms);
    const int tokens = normed.count();
    Rows<float> logits(tokens, config.experts);
    std::vector<std::uint16_t> predicted(static_cast<std::size_t>(config.topK));
    const auto predict = [&](const Rows<float>& input, GateRecall& recall) {
        multiplyTransposed({tokens, config.experts, config.hidden}, ConstMatrix<float>{input.row(0), config.hidden},
                           ConstMatrix<float>{weights.router.data(), config.hidden},
                           Matrix<float>{logits.row(0), config.experts});
        for (int token = 0; token < tokens; ++token) {
            bestOf<float>(logits.at(token), predicted);
            addPrediction(predicted, target, token, recall);
        }
    };
    predict(source.normed, own.plainRecall[to - from - 1]);
    predict(normed, own.normedRecall[to - from - 1]);
}

} // namespace moescope::calibrate
