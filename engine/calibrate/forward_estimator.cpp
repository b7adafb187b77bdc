#include "engine/calibrate/forward_estimator.h"

#include <numbers>
#include <random>
#include <stdexcept>

namespace moescope::calibrate {
namespace {

/// Standard normal numbers by Box and Muller's method, the same with every standard library.
void fillNormal(std::span<float> out, std::mt19937_64& random) {
    constexpr double kScale = 1.0 / 9007199254740992.0; // 2^-53
    for (std::size_t i = 0; i < out.size(); i += 2) {
        const double first = (static_cast<double>(random() >> 11U) + 1) * kScale;
        const double second = static_cast<double>(random() >> 11U) * kScale;
        const double length = std::sqrt(-2 * std::log(first));
        out[i] = static_cast<float>(length * std::cos(2 * std::numbers::pi * second));
        if (i + 1 < out.size())
            out[i + 1] = static_cast<float>(length * std::sin(2 * std::numbers::pi * second));
    }
}

/// Mean of (slope^2 per token) over probes, and its standard error.
ProbedMean summary(const std::vector<double>& values) {
    ProbedMean result;
    const auto count = static_cast<double>(values.size());
    for (const double value : values)
        result.mean += value / count;
    double squares = 0;
    for (const double value : values)
        squares += (value - result.mean) * (value - result.mean);
    result.standardError = std::sqrt(squares / (count - 1) / count);
    result.probes = static_cast<int>(values.size());
    return result;
}

} // namespace

ForwardEstimator::ForwardEstimator(Network<float>& network, std::span<const Window> windows, const ProbePlan& plan)
    : m_network(network), m_windows(windows), m_plan(plan), m_seed(plan.seed) {
    if (windows.empty())
        throw std::invalid_argument("The forward-only estimate needs at least one window of text.");
}

ProbedMean ForwardEstimator::probe(int layer, bool byDifference, const OnProbe& onProbe) {
    // Below this the error's own estimate is too rough to stop by; rounds over few windows therefore visit each more often.
    constexpr std::size_t kFewestPerRound = 100;
    const std::size_t perVisit = 1 + (kFewestPerRound - 1) / m_windows.size();
    std::vector<double> values;
    ProbedMean result;
    Tape<float> tape;
    while (!result.reached && result.probes < m_plan.mostProbes) {
        for (const Window& window : m_windows) {
            m_network.forward(window, tape);
            for (std::size_t visit = 0; visit < perVisit; ++visit) {
                const double value = slope(window, tape, layer, byDifference);
                values.push_back(value * value / static_cast<double>(window.size()));
                if (!onProbe(static_cast<int>(values.size())))
                    return result;
            }
        }
        // Only after whole rounds, so that every window counts the same.
        result = summary(values);
        result.reached = result.standardError <= m_plan.relativeError * result.mean;
    }
    return result;
}

double ForwardEstimator::slope(const Window& window, const Tape<float>& tape, int layer, bool byDifference) {
    const auto& own = tape.layers[static_cast<std::size_t>(layer)].experts;
    const auto next = static_cast<std::size_t>(layer + 1);
    const Rows<float>& plain = next < tape.layers.size() ? tape.layers[next].attention.input : tape.last;
    m_push.shape(plain.count(), plain.width());
    std::mt19937_64 random(m_seed++);
    fillNormal(m_push.all(), random);
    if (byDifference)
        for (int token = 0; token < plain.count(); ++token)
            for (int i = 0; i < plain.width(); ++i)
                m_push.row(token)[i] *= own.outputs.row(token * own.topK)[i] - own.outputs.row(token * own.topK + 1)[i];
    const auto numbers = static_cast<double>(plain.all().size());
    const double size = std::sqrt(dot<float>(plain.all(), plain.all()) / numbers);
    const double pushSize = std::sqrt(dot<float>(m_push.all(), m_push.all()) / numbers);
    const auto step = static_cast<float>(m_plan.step * size / std::max(1e-30, pushSize));
    double losses[2] = {};
    for (int side = 0; side < 2; ++side) {
        m_hidden = plain;
        for (std::size_t i = 0; i < m_push.all().size(); ++i)
            m_hidden.all()[i] += (side == 0 ? step : -step) * m_push.all()[i];
        m_network.forwardFrom(layer, m_hidden, m_logProbabilities, &tape);
        losses[side] = lossOf<float>(window, m_logProbabilities);
    }
    return (losses[0] - losses[1]) / (2 * static_cast<double>(step));
}

} // namespace moescope::calibrate
