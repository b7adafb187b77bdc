#include "engine/synthesis/routing_plan.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <random>

namespace moescope::synthesis {
namespace {

constexpr int kLags = 256;
constexpr int kSamples = 2000;
constexpr double kFirstSpread = 1.0;
constexpr double kLastSpread = 2.0;

/// Two draws of the same router: logits with a given correlation.
class LogitPairs {
public:
    LogitPairs(int experts, int topK) : m_topK(static_cast<std::size_t>(topK)) {
        m_first.resize(static_cast<std::size_t>(experts));
        m_second.resize(m_first.size());
        m_order.resize(m_first.size());
    }
    double share(double correlation) {
        std::mt19937_64 random(1);
        std::normal_distribution<double> normal;
        const double rest = std::sqrt(1 - correlation * correlation);
        std::size_t common = 0;
        for (int sample = 0; sample < kSamples; ++sample) {
            for (std::size_t e = 0; e < m_first.size(); ++e) {
                m_first[e] = normal(random);
                m_second[e] = correlation * m_first[e] + rest * normal(random);
            }
            const double least = leastChosen(m_first);
            const double leastOther = leastChosen(m_second);
            for (std::size_t e = 0; e < m_first.size(); ++e)
                common += m_first[e] >= least && m_second[e] >= leastOther;
        }
        return static_cast<double>(common) / static_cast<double>(kSamples) / static_cast<double>(m_topK);
    }

private:
    double leastChosen(const std::vector<double>& logits) {
        m_order = logits;
        const auto last = m_order.begin() + static_cast<std::ptrdiff_t>(m_topK) - 1;
        std::nth_element(m_order.begin(), last, m_order.end(), std::greater<>());
        return *last;
    }
    std::size_t m_topK;
    std::vector<double> m_first, m_second, m_order;
};

/// overlap() as a table and its inverse.
class OverlapCurve {
public:
    OverlapCurve(int experts, int topK) {
        LogitPairs pairs(experts, topK);
        for (const double c : {0., .1, .2, .3, .4, .5, .6, .7, .8, .85, .9, .93, .96, .975, .985, .993, .998}) {
            m_correlation.push_back(c);
            m_share.push_back(pairs.share(c));
        }
        m_correlation.push_back(1);
        m_share.push_back(1);
    }
    double share(double correlation) const { return interpolate(m_correlation, m_share, correlation); }
    double correlation(double share) const { return interpolate(m_share, m_correlation, share); }

private:
    static double interpolate(const std::vector<double>& x, const std::vector<double>& y, double at) {
        std::size_t i = 1;
        while (i + 1 < x.size() && x[i] < at)
            ++i;
        const double part = std::clamp((at - x[i - 1]) / std::max(1e-9, x[i] - x[i - 1]), 0.0, 1.0);
        return y[i - 1] + part * (y[i] - y[i - 1]);
    }
    std::vector<double> m_correlation, m_share;
};

/// The value for a layer out of fewer, or as many, values over the depth.
double stretched(const std::vector<double>& values, int layer, int layers) {
    const auto at = static_cast<std::size_t>(layer) * values.size() / static_cast<std::size_t>(layers);
    return values[std::min(at, values.size() - 1)];
}

std::vector<double> kernelOf(const ModelShape& shape, double sharpness) {
    std::vector<double> weights(kLags);
    const int pairs = shape.headSize / 2;
    for (int lag = 0; lag < kLags; ++lag) {
        double score = 0;
        for (int i = 0; i < pairs; ++i)
            score += std::cos(lag * std::pow(shape.ropeBase, -2.0 * i / shape.headSize)) - 1;
        weights[static_cast<std::size_t>(lag)] = std::exp(sharpness * score);
    }
    const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
    for (double& weight : weights)
        weight /= sum;
    return weights;
}

/// Autocovariance by lag of a stationary series: [kLags].
using Covariance = std::vector<double>;

Covariance averaged(const std::vector<double>& kernel, const Covariance& series) {
    // First the kernel with itself, then that with the series.
    std::vector<double> own(kLags);
    for (std::size_t lag = 0; lag < own.size(); ++lag)
        for (std::size_t i = 0; i + lag < kernel.size(); ++i)
            own[lag] += kernel[i] * kernel[i + lag];
    Covariance out(kLags);
    const auto at = [](const std::vector<double>& values, int lag) {
        const auto index = static_cast<std::size_t>(std::abs(lag));
        return index < values.size() ? values[index] : 0.0;
    };
    for (int lag = 0; lag < kLags; ++lag)
        for (int shift = 1 - kLags; shift < kLags; ++shift)
            out[static_cast<std::size_t>(lag)] += at(own, shift) * at(series, lag - shift);
    return out;
}

double sharpnessFor(const ModelShape& shape, double correlation) {
    Covariance white(kLags);
    white[0] = 1;
    double low = 0.01;
    double high = 4;
    for (int round = 0; round < 30; ++round) {
        const double middle = std::sqrt(low * high);
        const std::vector<double> kernel = kernelOf(shape, middle);
        double power = 0;
        double next = 0;
        for (std::size_t i = 0; i < kernel.size(); ++i) {
            power += kernel[i] * kernel[i];
            next += i + 1 < kernel.size() ? kernel[i] * kernel[i + 1] : 0;
        }
        (next / power > correlation ? low : high) = middle;
    }
    return std::sqrt(low * high);
}

/// Follows the hidden state's variance and autocorrelation down the layers.
class Stream {
public:
    Stream(const ModelShape& shape, const OverlapCurve& curve) : m_shape(shape), m_curve(curve), m_state(kLags) {
        m_state[0] = 1;
    }
    double power() const { return m_state[0]; }
    double correlation() const { return m_state[1] / m_state[0]; }
    /// Root mean square over all columns, the anchors' ones included.
    double rms() const {
        const double anchors = static_cast<double>(kAnchorColumns) / m_shape.hidden;
        return std::sqrt(anchors + (1 - anchors) * power());
    }
    Covariance attention(const std::vector<double>& kernel) const { return averaged(kernel, m_state); }
    void add(const Covariance& what, double power) {
        for (std::size_t lag = 0; lag < m_state.size(); ++lag)
            m_state[lag] += what[lag] / what[0] * power;
    }
    /// Outputs of gated experts agree less than their inputs: correlation of silu(g) u for two tokens, times shared experts.
    Covariance experts() const {
        Covariance out(kLags);
        for (std::size_t lag = 0; lag < out.size(); ++lag) {
            const double c = std::max(0.0, m_state[lag] / m_state[0]);
            out[lag] = lag == 0 ? 1 : c * (0.12 + 0.70 * c + 0.18 * c * c) * m_curve.share(c);
        }
        return out;
    }

private:
    const ModelShape& m_shape;
    const OverlapCurve& m_curve;
    Covariance m_state;
};

class Planner {
public:
    explicit Planner(const ModelShape& shape) : m_shape(shape), m_curve(shape.experts, shape.topK), m_stream(shape, m_curve) {}

    RoutingPlan plan() {
        const double first = reuseCorrelation(0);
        const double averageCorrelation = std::clamp(first + 0.3, 0.5, 0.95);
        m_plan.kernelSharpness = sharpnessFor(m_shape, averageCorrelation);
        m_plan.kernel = kernelOf(m_shape, m_plan.kernelSharpness);
        m_plan.layers.resize(static_cast<std::size_t>(m_shape.layers));
        addAttention(0, std::max(0.05, first / (averageCorrelation - first)));
        record(0, 1);
        for (int layer = 1; layer < m_shape.layers; ++layer)
            step(layer);
        addExperts(m_shape.layers - 1, 0.05 * m_stream.power());
        m_plan.finalRms = m_stream.rms();
        return std::move(m_plan);
    }

private:
    double reuseCorrelation(int layer) const {
        return m_curve.correlation(stretched(m_shape.routing.reuse, layer, m_shape.layers));
    }

    /// From the router of layer-1 to the router of layer.
    void step(int layer) {
        const double c = std::max(0.3, m_curve.correlation(stretched(m_shape.routing.recall, layer, m_shape.layers)));
        const double gained = m_stream.power() * (1 / (c * c) - 1);
        const double wanted = reuseCorrelation(layer);
        double bestShare = 0;
        double bestError = 2;
        for (int tenth = 1; tenth < 10; ++tenth) {
            Stream tried = m_stream;
            tried.add(tried.experts(), gained * (10 - tenth) / 10);
            tried.add(tried.attention(m_plan.kernel), gained * tenth / 10);
            const double error = std::fabs(tried.correlation() - wanted);
            if (error < bestError) {
                bestError = error;
                bestShare = tenth / 10.0;
            }
        }
        addExperts(layer - 1, gained * (1 - bestShare));
        addAttention(layer, gained * bestShare);
        record(layer, c);
    }

    void addAttention(int layer, double power) {
        LayerPlan& own = m_plan.layers[static_cast<std::size_t>(layer)];
        const Covariance output = m_stream.attention(m_plan.kernel);
        own.attentionInput = m_stream.rms();
        own.attentionGain = std::sqrt(output[0] / m_stream.power());
        own.attentionPower = power;
        m_stream.add(output, power);
        own.expertInput = m_stream.rms();
        const double depth = m_shape.layers > 1 ? static_cast<double>(layer) / (m_shape.layers - 1) : 0;
        own.routerSpread = kFirstSpread + (kLastSpread - kFirstSpread) * depth;
    }
    void addExperts(int layer, double power) {
        m_plan.layers[static_cast<std::size_t>(layer)].expertPower = power;
        m_stream.add(m_stream.experts(), power);
    }
    void record(int layer, double c) {
        m_plan.expectedReuse.push_back(m_curve.share(m_stream.correlation()));
        m_plan.expectedRecall.push_back(layer == 0 ? 0 : m_curve.share(c));
    }

    const ModelShape& m_shape;
    OverlapCurve m_curve;
    Stream m_stream;
    RoutingPlan m_plan;
};

} // namespace

double overlap(int experts, int topK, double correlation) {
    return LogitPairs(experts, topK).share(correlation);
}

RoutingPlan planRouting(const ModelShape& shape) {
    return Planner(shape).plan();
}

} // namespace moescope::synthesis
