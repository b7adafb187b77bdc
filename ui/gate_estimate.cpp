#include "ui/gate_estimate.h"

#include "profiler/analysis/recorded_decisions.h"
#include "ui/format.h"
#include "ui/words.h"

#include <QCoreApplication>
#include <algorithm>
#include <functional>
#include <stdexcept>

using namespace Qt::StringLiterals;

namespace moescope::ui {

namespace {

using policy::GateCostPoint;

GateCostPoint between(const GateCostPoint& a, const GateCostPoint& b, double share) {
    const auto mix = [share](double from, double to) { return from + (to - from) * share; };
    GateCostPoint point = a;
    point.threshold = mix(a.threshold, b.threshold);
    point.meanExperts = mix(a.meanExperts, b.meanExperts);
    point.singleShare = mix(a.singleShare, b.singleShare);
    point.meanKl = mix(a.meanKl, b.meanKl);
    point.perplexityRatio = mix(a.perplexityRatio, b.perplexityRatio);
    return point;
}

/// On the curve where `measure`, which rises along it, has that value.
std::optional<GateCostPoint> along(const std::vector<GateCostPoint>& curve, double value,
                                   const std::function<double(const GateCostPoint&)>& measure) {
    if (curve.empty())
        return std::nullopt;
    for (std::size_t i = 1; i < curve.size(); ++i) {
        const double from = measure(curve[i - 1]);
        const double to = measure(curve[i]);
        if (value <= to)
            return between(curve[i - 1], curve[i], to > from ? std::clamp((value - from) / (to - from), 0.0, 1.0) : 1);
    }
    return curve.back();
}

} // namespace

GateEstimate estimateGate(const QString& gate, const policy::GateParameters& parameters, const policy::DecisionTrace& trace) {
    if (trace.size() == 0)
        return {};
    // What is resident is not recorded with a decision: the pair-wise rule is what remains when nothing is.
    const bool byResidency = gate == u"adapmoe-residency"_s;
    try {
        const auto built = policy::makeGatePolicy(byResidency ? "adapmoe-pair" : gate.toStdString(), parameters);
        const auto kept = trace.keptBy(*built);
        GateEstimate estimate{kept.meanExperts, kept.singleShare, -1};
        if (byResidency)
            estimate.mostExperts = trace.keptBy(*policy::makeGatePolicy("topk", {})).meanExperts;
        return estimate;
    } catch (const std::invalid_argument&) {
        return {};
    }
}

QString headline(double meanExperts, double singleShare, int topK) {
    if (!(meanExperts > 0))
        return {};
    const double cut = topK > 0 ? std::max(0.0, 1 - meanExperts / topK) : 0;
    return words("%1 experts · %2 single · %3 fewer")
        .arg(QString::number(meanExperts, 'f', 2), format::percent(singleShare), format::percent(cut));
}

QString headline(const GateEstimate& estimate, int topK) {
    if (estimate.mostExperts > estimate.meanExperts + 0.005)
        return words("%1 to %2 experts, by what is resident")
            .arg(QString::number(estimate.meanExperts, 'f', 2), QString::number(estimate.mostExperts, 'f', 2));
    return headline(estimate.meanExperts, estimate.singleShare, topK);
}

std::vector<GateCostPoint> costCurve(const policy::GateCosts& costs, const QString& gate, int topK) {
    std::vector<GateCostPoint> curve;
    const std::string name = gate.toStdString();
    for (const GateCostPoint& point : costs.points)
        if (point.gate == name && point.threshold > 0)
            curve.push_back(point);
    if (curve.empty())
        return curve;
    GateCostPoint plain;
    plain.gate = name;
    plain.meanExperts = topK;
    curve.push_back(plain);
    std::sort(curve.begin(), curve.end(),
              [](const GateCostPoint& a, const GateCostPoint& b) { return a.threshold < b.threshold; });
    return curve;
}

std::optional<GateCostPoint> costAt(const policy::GateCosts& costs, const QString& gate, double threshold, int topK) {
    if (gate == u"topk"_s && !costs.points.empty()) {
        GateCostPoint plain;
        plain.gate = "topk";
        plain.meanExperts = topK;
        return plain;
    }
    return along(costCurve(costs, gate, topK), threshold, [](const GateCostPoint& point) { return point.threshold; });
}

std::optional<GateCostPoint> costAtMean(const policy::GateCosts& costs, const QString& gate, double meanExperts, int topK) {
    return along(costCurve(costs, gate, topK), -meanExperts, [](const GateCostPoint& point) { return -point.meanExperts; });
}

std::optional<GateCostPoint> costInForce(const analysis::Snapshot& snapshot) {
    if (!snapshot.calibration || snapshot.calibration->costs.points.empty() || !snapshot.info)
        return std::nullopt;
    QString gate;
    for (const auto& [name, value] : snapshot.settings)
        if (name == "gate")
            gate = QString::fromStdString(value);
    const policy::GateParameters parameters = analysis::gateParameters(nullptr, snapshot.settings);
    const policy::GateCosts& costs = snapshot.calibration->costs;
    if (parameters.phases == policy::GatePhases::Prefill)
        return std::nullopt; // measured token by token, as answers are made
    const int topK = snapshot.info->model.topK;
    return parameters.overrides.empty() ? costAt(costs, gate, parameters.threshold, topK)
                                        : costAtMean(costs, gate, snapshot.summary.meanExpertsPerTokenLayer, topK);
}

QString costFigures(const GateCostPoint& point) {
    const double more = (point.perplexityRatio - 1) * 100;
    return words("KL %1 · perplexity %2%3 %")
        .arg(format::number(point.meanKl, 2), more < 0 ? u"−"_s : u"+"_s, QString::number(std::abs(more), 'f', 1));
}

QString costWords(const GateCostPoint& point, const policy::GateCosts& costs) {
    return QString::fromStdString(policy::lossInWords(point.meanKl, costs.quantisation)).replace(u" x of "_s, u" × of "_s);
}

} // namespace moescope::ui
