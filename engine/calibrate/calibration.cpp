#include "engine/calibrate/calibration.h"

#include "engine/policy/cache_policy.h"

#include <stdexcept>

namespace moescope::calibrate {
namespace {

using Windows = std::span<const std::vector<std::int32_t>>;

/// Turns work done into a share of the whole. Units: one layer's forward pass over one window. The smaller phases' prices are
/// rough: they only move the progress bar.
class Meter {
public:
    Meter(const CalibrationProgress& progress, double all) : m_progress(progress), m_all(all) {}
    bool did(std::string_view phase, double units) {
        m_done += units;
        m_running = m_running && m_progress(phase, std::min(1.0, m_done / m_all));
        return m_running;
    }
    bool running() const { return m_running; }

private:
    const CalibrationProgress& m_progress;
    double m_all;
    double m_done = 0;
    bool m_running = true;
};

constexpr double kReversePrice = 1.2;
constexpr double kEpochPrice = 0.05; ///< per window
constexpr double kCurvePrice = 0.1;  ///< per window and policy

/// One calibration on its way; built, run and thrown away on one thread.
class Run {
public:
    Run(Weights<float>& weights, Windows windows, const CalibrationPlan& plan, const CalibrationProgress& progress)
        : m_weights(weights), m_config(weights.config()), m_windows(windows), m_plan(plan),
          m_network(weights, static_cast<int>(windows.front().size())), m_meter(progress, price()), m_routing(weights),
          m_trace(m_config.layers, m_config.experts, m_config.topK),
          m_decisions(m_config, static_cast<std::int64_t>(windows.size() * windows.front().size())),
          m_predictor(m_config.hidden, m_config.experts, m_config.topK), m_result{.method = plan.method,
                                                                                  .sensitivity = SensitivityMeter(
                                                                                      m_config.layers, m_config.experts),
                                                                                  .probedPaper = {},
                                                                                  .probedRefined = {},
                                                                                  .routing = {},
                                                                                  .hitCurves = {},
                                                                                  .firstLayer = {},
                                                                                  .decisions = {}} {}

    std::optional<Calibration> run() {
        readWindows();
        if (m_plan.method == Method::Forward)
            probe();
        curves();
        if (m_meter.running())
            m_result.firstLayer = m_predictor.train(m_plan.training, [&](int) {
                return m_meter.did("training the first layer's predictor", kEpochPrice * static_cast<double>(m_windows.size()));
            });
        if (!m_meter.running())
            return std::nullopt;
        m_result.routing = m_routing.layers();
        m_result.decisions = m_decisions.sample();
        return std::move(m_result);
    }

private:
    std::size_t directWindows() const {
        const auto width = static_cast<std::int64_t>(m_windows.front().size());
        return std::min(m_windows.size(), static_cast<std::size_t>((m_plan.directTokens + width - 1) / width));
    }
    double directPrice(int layer) const { return m_config.layers - layer; }

    double price() const {
        const auto windows = static_cast<double>(m_windows.size());
        const double layers = m_config.layers;
        double all = windows * layers;
        all += static_cast<double>(directWindows()) * layers * (layers + 1) / 2;
        all += windows *
               (kEpochPrice * m_plan.training.epochs + kCurvePrice * static_cast<double>(policy::cachePolicyNames().size()));
        if (m_plan.method == Method::Exact)
            return all + windows * layers * kReversePrice;
        return all + probesExpected() * layers * (layers + 1) * 2;
    }
    /// A squared normal number has variance 2.
    double probesExpected() const {
        return std::min<double>(m_plan.probes.mostProbes, 2 / std::pow(m_plan.probes.relativeError, 2));
    }

    void readWindows() {
        Tape<float> tape;
        double loss = 0;
        std::size_t scored = 0;
        for (std::size_t window = 0; window < m_windows.size() && m_meter.running(); ++window) {
            const auto& tokens = m_windows[window];
            m_network.forward(tokens, tape);
            loss += lossOf<float>(tokens, tape.logProbabilities);
            scored += tokens.size() - 1;
            m_result.tokens += static_cast<std::int64_t>(tokens.size());
            m_meter.did("reading the text", m_config.layers);
            m_routing.add(tape);
            m_trace.beginWindow();
            for (int layer = 0; layer < m_config.layers; ++layer)
                m_trace.add(layer, tape.layers[static_cast<std::size_t>(layer)].experts);
            m_decisions.add(tape);
            m_predictor.add(tape);
            if (m_plan.method == Method::Exact)
                m_network.reverse(tokens, tape, [&](int layer, const Rows<float>& gradient) {
                    m_result.sensitivity.addGradient(layer, tape.layers[static_cast<std::size_t>(layer)].experts, gradient);
                    return m_meter.did("reading the text", kReversePrice);
                });
            if (window < directWindows())
                dropLayers(tape);
        }
        m_result.meanLoss = scored > 0 ? loss / static_cast<double>(scored) : 0;
        if (!std::isfinite(m_result.meanLoss))
            throw std::runtime_error("The model gives no usable probabilities for this text (its loss is not a number).");
    }

    void dropLayers(const Tape<float>& tape) {
        Rows<float> dropped;
        for (int layer = 0; layer < m_config.layers && m_meter.running(); ++layer) {
            Rows<float> hidden =
                withoutLastExpert(tape.layers[static_cast<std::size_t>(layer)].experts, m_config.renormaliseWeights);
            m_network.forwardFrom(layer, hidden, dropped);
            m_result.sensitivity.addDirect(layer, tape.logProbabilities, dropped);
            m_meter.did("reading the text", directPrice(layer));
        }
    }

    void probe() {
        ForwardEstimator estimator(m_network, m_windows, m_plan.probes);
        for (int layer = 0; layer < m_config.layers && m_meter.running(); ++layer) {
            const auto onProbe = [&](int probes) {
                return m_meter.did("measuring sensitivities by forward passes",
                                   probes <= probesExpected() ? 2 * directPrice(layer) : 0);
            };
            m_result.probedPaper.push_back(estimator.paper(layer, onProbe));
            if (m_meter.running())
                m_result.probedRefined.push_back(estimator.refined(layer, onProbe));
        }
    }

    void curves() {
        for (const std::string& policy : policy::cachePolicyNames())
            if (m_meter.running()) {
                m_result.hitCurves.push_back(m_trace.curves(policy));
                m_meter.did("simulating caches", kCurvePrice * static_cast<double>(m_windows.size()));
            }
    }

    Weights<float>& m_weights;
    const model::ModelConfig& m_config;
    Windows m_windows;
    const CalibrationPlan& m_plan;
    Network<float> m_network;
    Meter m_meter;
    RoutingStatistics m_routing;
    ChoiceTrace m_trace;
    DecisionSampler m_decisions;
    FirstLayerPredictor m_predictor;
    Calibration m_result;
};

} // namespace

std::optional<Calibration> runCalibration(Weights<float>& weights, Windows windows, const CalibrationPlan& plan,
                                          const CalibrationProgress& progress) {
    if (windows.size() < 2)
        throw std::runtime_error("A calibration needs two windows of text or more.");
    if (weights.config().topK < 2)
        throw std::runtime_error("A calibration is about dropping experts, and this model runs only one per token.");
    return Run(weights, windows, plan, progress).run();
}

} // namespace moescope::calibrate
