#include "engine/calibrate/sensitivity.h"

#include <numeric>

namespace moescope::calibrate {
namespace {

/// Ranks from 0; equal values share their mean rank.
std::vector<double> ranks(std::span<const double> values) {
    std::vector<double> result;
    for (const double value : values) {
        double below = 0;
        double equal = 0;
        for (const double other : values) {
            below += other < value ? 1 : 0;
            equal += other == value ? 1 : 0;
        }
        result.push_back(below + (equal - 1) / 2);
    }
    return result;
}

} // namespace

double rankCorrelation(std::span<const double> a, std::span<const double> b) {
    const std::vector<double> left = ranks(a);
    const std::vector<double> right = ranks(b);
    const double middle = (static_cast<double>(a.size()) - 1) / 2;
    double both = 0;
    double leftSquares = 0;
    double rightSquares = 0;
    for (std::size_t i = 0; i < left.size(); ++i) {
        both += (left[i] - middle) * (right[i] - middle);
        leftSquares += (left[i] - middle) * (left[i] - middle);
        rightSquares += (right[i] - middle) * (right[i] - middle);
    }
    const double scale = std::sqrt(leftSquares * rightSquares);
    return scale > 0 ? both / scale : 0;
}

Rows<float> withoutLastExpert(const ExpertsTape<float>& tape, bool renormalise) {
    Rows<float> hidden = tape.input;
    for (int token = 0; token < hidden.count(); ++token) {
        const int kept = std::max(1, tape.topK - 1);
        float sum = 0;
        for (int rank = 0; rank < kept; ++rank)
            sum += tape.weight(token, rank);
        for (int rank = 0; rank < kept; ++rank) {
            const float weight = renormalise ? tape.weight(token, rank) / sum : tape.weight(token, rank);
            const float* output = tape.outputs.row(token * tape.topK + rank);
            for (int i = 0; i < hidden.width(); ++i)
                hidden.row(token)[i] += weight * output[i];
        }
    }
    return hidden;
}

std::vector<double> LayerSensitivity::bySecond() const {
    const auto experts = static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(sums.size()))));
    const double all = refined.mean();
    std::vector<double> means;
    for (std::size_t second = 0; second < experts; ++second) {
        double sum = kShrinkage * all;
        double count = kShrinkage;
        for (std::size_t first = 0; first < experts; ++first) {
            sum += sums[first * experts + second];
            count += counts[first * experts + second];
        }
        means.push_back(sum / count);
    }
    return means;
}

std::vector<double> LayerSensitivity::byPair() const {
    const double all = refined.mean();
    std::vector<double> means;
    for (std::size_t pair = 0; pair < sums.size(); ++pair)
        means.push_back((sums[pair] + kShrinkage * all) / (counts[pair] + kShrinkage));
    return means;
}

SensitivityMeter::SensitivityMeter(int layers, int experts) : m_experts(experts), m_layers(static_cast<std::size_t>(layers)) {
    for (LayerSensitivity& layer : m_layers)
        for (auto* list : {&layer.sums, &layer.counts, &layer.squares})
            list->resize(static_cast<std::size_t>(experts * experts));
}

void SensitivityMeter::addGradient(int layer, const ExpertsTape<float>& tape, const Rows<float>& gradient) {
    LayerSensitivity& own = m_layers[static_cast<std::size_t>(layer)];
    const int tokens = gradient.count();
    double paper = 0;
    double refined = 0;
    double droppedSquare = 0;
    for (int token = 0; token < tokens; ++token) {
        paper += dot<float>(gradient.at(token), gradient.at(token));
        const auto g = gradient.at(token);
        const auto first = tape.outputs.at(token * tape.topK);
        for (int rank = 1; rank < tape.topK; ++rank) {
            const auto second = tape.outputs.at(token * tape.topK + rank);
            double sum = 0;
            for (std::size_t i = 0; i < g.size(); ++i) {
                const double slope = static_cast<double>(g[i]) * static_cast<double>(first[i] - second[i]);
                sum += slope * slope;
            }
            refined += sum;
            const auto pair = static_cast<std::size_t>(tape.expert(token, 0) * m_experts + tape.expert(token, rank));
            own.sums[pair] += sum;
            own.counts[pair] += 1;
            if (rank + 1 < tape.topK)
                continue;
            const double square = std::pow(static_cast<double>(tape.weight(token, rank)), 2);
            own.squares[pair] += square;
            droppedSquare += square;
        }
    }
    own.paper.add(paper, tokens);
    own.refined.add(refined, tokens * std::max(1, tape.topK - 1));
    own.droppedSquare.add(droppedSquare, tokens);
}

void SensitivityMeter::addDirect(int layer, const Rows<float>& logP, const Rows<float>& logQ) {
    double sum = 0;
    for (int token = 0; token < logP.count(); ++token)
        sum += divergence<float>(logP.at(token), logQ.at(token));
    m_layers[static_cast<std::size_t>(layer)].directKl.add(sum, logP.count());
}

std::vector<Prediction> SensitivityMeter::predictions() const {
    std::vector<double> measured;
    std::vector<Prediction> forms{{"w_l", {}, 0},     {"w_l_times_square", {}, 0},
                                  {"refined", {}, 0}, {"refined_times_square", {}, 0},
                                  {"second", {}, 0},  {"pair", {}, 0}};
    for (const LayerSensitivity& layer : m_layers) {
        if (!(layer.directKl.count() > 0))
            return {};
        measured.push_back(layer.directKl.mean());
        const double square = layer.droppedSquare.mean();
        const std::vector<double> second = layer.bySecond();
        const std::vector<double> pair = layer.byPair();
        double bySecond = 0;
        double byPair = 0;
        for (std::size_t at = 0; at < pair.size(); ++at) {
            bySecond += layer.squares[at] * second[at % second.size()];
            byPair += layer.squares[at] * pair[at];
        }
        const double tokens = layer.paper.count();
        const double values[] = {layer.paper.mean(),   layer.paper.mean() * square,
                                 layer.refined.mean(), layer.refined.mean() * square,
                                 bySecond / tokens,    byPair / tokens};
        for (std::size_t form = 0; form < forms.size(); ++form)
            forms[form].values.push_back(values[form]);
    }
    for (Prediction& form : forms)
        form.rankCorrelation = rankCorrelation(form.values, measured);
    return forms;
}

} // namespace moescope::calibrate
