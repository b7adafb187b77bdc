#include "engine/calibrate/first_layer_predictor.h"

#include <numeric>
#include <random>
#include <stdexcept>

namespace moescope::calibrate {
namespace {

constexpr std::size_t kMostNumbers = std::size_t{1} << 26; // 256 MiB of inputs

/// Adam with its usual constants, on one list of parameters.
class Adam {
public:
    explicit Adam(std::size_t count) : m_mean(count), m_square(count) {}
    void step(std::span<float> parameters, std::span<const float> gradient, double rate) {
        constexpr double kMeanDecay = 0.9;
        constexpr double kSquareDecay = 0.999;
        ++m_steps;
        const double meanScale = 1 - std::pow(kMeanDecay, m_steps);
        const double squareScale = 1 - std::pow(kSquareDecay, m_steps);
        const auto scaledRate = static_cast<float>(rate / meanScale);
        const auto inverseSquare = static_cast<float>(1 / squareScale);
        for (std::size_t i = 0; i < parameters.size(); ++i) {
            m_mean[i] += static_cast<float>(1 - kMeanDecay) * (gradient[i] - m_mean[i]);
            m_square[i] += static_cast<float>(1 - kSquareDecay) * (gradient[i] * gradient[i] - m_square[i]);
            parameters[i] -= scaledRate * m_mean[i] / (std::sqrt(m_square[i] * inverseSquare) + 1e-8F);
        }
    }

private:
    std::vector<float> m_mean;
    std::vector<float> m_square;
    int m_steps = 0;
};

/// Weights and biases in one list: [N][E + 1].
class LinearGate {
public:
    LinearGate(int hidden, int experts)
        : m_hidden(static_cast<std::size_t>(hidden)), m_parameters(static_cast<std::size_t>(experts) * (m_hidden + 1)) {}
    void guess(std::span<const float> x, float scale, std::span<float> out) const {
        for (std::size_t expert = 0; expert < out.size(); ++expert) {
            const auto row = std::span(m_parameters).subspan(expert * (m_hidden + 1), m_hidden + 1);
            float sum = row[m_hidden];
            for (std::size_t i = 0; i < m_hidden; ++i)
                sum += row[i] * x[i] * scale;
            out[expert] = sum;
        }
        softmaxInPlace(out);
    }
    /// Adds the gradient of KL(gate || guess) for one pair.
    void addGradient(std::span<const float> x, float scale, std::span<const float> gate, std::span<const float> guessed,
                     std::span<float> gradient) const {
        for (std::size_t expert = 0; expert < gate.size(); ++expert) {
            const auto row = gradient.subspan(expert * (m_hidden + 1), m_hidden + 1);
            const float slope = guessed[expert] - gate[expert];
            for (std::size_t i = 0; i < m_hidden; ++i)
                row[i] += slope * x[i] * scale;
            row[m_hidden] += slope;
        }
    }
    std::vector<float>& parameters() { return m_parameters; }

private:
    std::size_t m_hidden;
    std::vector<float> m_parameters;
};

/// Own shuffle, so that results do not depend on the standard library.
void shuffle(std::vector<std::size_t>& list, std::mt19937_64& random) {
    for (std::size_t left = list.size(); left > 1; --left)
        std::swap(list[left - 1], list[random() % left]);
}

} // namespace

FirstLayerPredictor::FirstLayerPredictor(int hidden, int experts, int topK)
    : m_hidden(hidden), m_experts(experts), m_topK(topK) {}

bool FirstLayerPredictor::full() const {
    return m_inputs.size() >= kMostNumbers;
}

void FirstLayerPredictor::add(const Tape<float>& tape) {
    const ExpertsTape<float>& first = tape.layers.front().experts;
    const int tokens = tape.normed.count();
    for (int token = 1; token < tokens && !full(); ++token) {
        const auto append = [](std::vector<float>& list, std::span<const float> row) {
            list.insert(list.end(), row.begin(), row.end());
        };
        append(m_inputs, tape.normed.at(token - 1));
        append(m_gates, first.probabilities.at(token));
        append(m_previousGates, first.probabilities.at(token - 1));
        m_window.push_back(m_windows);
    }
    ++m_windows;
}

FirstLayerPredictor::Split FirstLayerPredictor::split(const TrainingPlan& plan) const {
    const int windows = m_window.empty() ? 0 : m_window.back() + 1;
    if (windows < 2)
        throw std::runtime_error("The text is too short to train the first layer's predictor: it needs two windows or more.");
    const int heldOut = std::clamp(static_cast<int>(std::lround(windows * plan.heldOutShare)), 1, windows - 1);
    Split split;
    for (std::size_t pair = 0; pair < m_window.size(); ++pair)
        (m_window[pair] < windows - heldOut ? split.train : split.heldOut).push_back(pair);
    return split;
}

GuessQuality FirstLayerPredictor::judge(std::span<const std::size_t> pairs,
                                        const std::function<void(std::size_t, std::span<float>)>& guess) const {
    GuessQuality quality;
    std::vector<float> guessed(static_cast<std::size_t>(m_experts));
    std::vector<std::uint16_t> best(static_cast<std::size_t>(m_topK));
    std::vector<std::uint16_t> chosen(best.size());
    for (const std::size_t pair : pairs) {
        guess(pair, guessed);
        bestOf<float>(guessed, best);
        bestOf<float>(gate(pair), chosen);
        double all = 0;
        double found = 0;
        for (const std::uint16_t expert : chosen) {
            const auto weight = static_cast<double>(gate(pair)[expert]);
            all += weight;
            if (std::ranges::find(best, expert) == best.end())
                continue;
            found += weight;
            quality.slotRecall += 1.0 / static_cast<double>(m_topK * static_cast<int>(pairs.size()));
        }
        quality.massRecall += found / all / static_cast<double>(pairs.size());
        for (std::size_t expert = 0; expert < guessed.size(); ++expert) {
            const double p = static_cast<double>(gate(pair)[expert]);
            if (p > 0)
                quality.kl +=
                    p * std::log(p / std::max(1e-12, static_cast<double>(guessed[expert]))) / static_cast<double>(pairs.size());
        }
    }
    return quality;
}

FirstLayerGate FirstLayerPredictor::train(const TrainingPlan& plan, const std::function<bool(int)>& onEpoch) const {
    const Split data = split(plan);
    std::vector<std::size_t> order = data.train;
    // One scale for all inputs, so that one learning rate fits every model; folded into the weights at the end.
    double squares = 0;
    for (const std::size_t pair : order)
        squares += dot<float>(input(pair), input(pair));
    const auto scale = static_cast<float>(
        1 / std::sqrt(std::max(1e-12, squares / static_cast<double>(order.size()) / static_cast<double>(m_hidden))));
    LinearGate linear(m_hidden, m_experts);
    Adam adam(linear.parameters().size());
    std::mt19937_64 random(plan.seed);
    std::vector<float> guessed(static_cast<std::size_t>(m_experts));
    std::vector<float> gradient(linear.parameters().size());
    const auto batch = static_cast<std::size_t>(plan.batch);
    for (int epoch = 0; epoch < plan.epochs && onEpoch(epoch); ++epoch) {
        shuffle(order, random);
        const double rate = plan.learningRate * (1 - static_cast<double>(epoch) / plan.epochs);
        for (std::size_t first = 0; first < order.size(); first += batch) {
            const std::size_t end = std::min(order.size(), first + batch);
            std::ranges::fill(gradient, 0.0F);
            for (std::size_t at = first; at < end; ++at) {
                linear.guess(input(order[at]), scale, guessed);
                linear.addGradient(input(order[at]), scale, gate(order[at]), guessed, gradient);
            }
            for (float& slope : gradient)
                slope /= static_cast<float>(end - first);
            adam.step(linear.parameters(), gradient, rate);
        }
    }
    FirstLayerGate result;
    result.weights.shape(m_experts, m_hidden);
    for (int expert = 0; expert < m_experts; ++expert) {
        const auto row =
            std::span(linear.parameters()).subspan(static_cast<std::size_t>(expert) * static_cast<std::size_t>(m_hidden + 1));
        for (int i = 0; i < m_hidden; ++i)
            result.weights.row(expert)[i] = row[static_cast<std::size_t>(i)] * scale;
        result.bias.push_back(row[static_cast<std::size_t>(m_hidden)]);
    }
    std::vector<float> mean(static_cast<std::size_t>(m_experts));
    for (const std::size_t pair : data.train)
        for (std::size_t expert = 0; expert < mean.size(); ++expert)
            mean[expert] += gate(pair)[expert] / static_cast<float>(data.train.size());
    result.trainedTokens = static_cast<std::int64_t>(data.train.size());
    result.heldOutTokens = static_cast<std::int64_t>(data.heldOut.size());
    result.heldOut =
        judge(data.heldOut, [&](std::size_t pair, std::span<float> out) { linear.guess(input(pair), scale, out); });
    result.usual = judge(data.heldOut, [&](std::size_t, std::span<float> out) { std::ranges::copy(mean, out.begin()); });
    result.previousToken = judge(
        data.heldOut, [&](std::size_t pair, std::span<float> out) { std::ranges::copy(previousGate(pair), out.begin()); });
    return result;
}

} // namespace moescope::calibrate
