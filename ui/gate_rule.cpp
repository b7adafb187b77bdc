#include "ui/gate_rule.h"

#include "ui/format.h"
#include "ui/gating_geometry.h"
#include "ui/words.h"

#include <QCoreApplication>
#include <algorithm>

using namespace Qt::StringLiterals;

namespace moescope::ui {

namespace {

double largestPair(const policy::PairTable& table) {
    double largest = 0;
    for (int layer = 0; layer < table.layers(); ++layer)
        for (int first = 0; first < table.experts(); ++first)
            for (int second = 0; second < table.experts(); ++second)
                largest = std::max(largest, static_cast<double>(table.at(layer, first, second)));
    return largest;
}

} // namespace

std::vector<double> pairMeans(const policy::Sensitivities& known) {
    std::vector<double> means;
    if (!known.pairs || known.pairs->experts() < 2)
        return means;
    const policy::PairTable& table = *known.pairs;
    for (int layer = 0; layer < table.layers(); ++layer) {
        double sum = 0;
        for (int first = 0; first < table.experts(); ++first)
            for (int second = 0; second < table.experts(); ++second)
                if (first != second)
                    sum += static_cast<double>(table.at(layer, first, second));
        means.push_back(sum / (table.experts() * (table.experts() - 1)));
    }
    return means;
}

GateRule::GateRule(const QString& gate, const policy::Sensitivities* known, int topK)
    : m_gate(gate), m_topK(std::max(1, topK)) {
    if (gate.startsWith(u"adapmoe"_s))
        m_kind = Kind::Error;
    else if (gate == u"static-k"_s)
        m_kind = Kind::FewerExperts;
    else if (gate == u"score"_s)
        m_kind = Kind::Weight;
    else if (gate == u"top-p"_s)
        m_kind = Kind::Mass;
    else if (gate == u"ratio"_s)
        m_kind = Kind::Ratio;
    else if (gate == u"random"_s)
        m_kind = Kind::Dice;
    if (m_kind != Kind::Error)
        return;
    const bool pairs = form() == u"pair"_s;
    if (known != nullptr)
        m_sensitivity = pairs ? pairMeans(*known) : form() == u"paper"_s ? known->paper : known->refined;
    if (m_sensitivity.empty()) {
        m_missing = known == nullptr
                        ? words("%1 needs a calibration of this model (moescope-engine calibrate)").arg(gate)
                        : words("%1 needs the %2 sensitivities, which this session does not hold").arg(gate, form());
        return;
    }
    m_largest = pairs ? largestPair(*known->pairs) : *std::max_element(m_sensitivity.begin(), m_sensitivity.end());
}

QString GateRule::form() const {
    if (m_kind != Kind::Error)
        return {};
    return m_gate == u"adapmoe-paper"_s ? u"paper"_s : m_gate == u"adapmoe"_s ? u"refined"_s : u"pair"_s;
}

QString GateRule::meaning() const {
    switch (m_kind) {
    case Kind::None:
        return words("Every chosen expert runs; there is no threshold.");
    case Kind::Error:
        return m_gate.endsWith(u"residency"_s)
                   ? words("Most estimated error P²·w for which experts are dropped that are not resident; those that are "
                           "resident cost nothing and run.")
                   : words("Most estimated error P²·w for which further experts are dropped, P their weight share and w the "
                           "layer's sensitivity.");
    case Kind::FewerExperts:
        return words("How many experts fewer than the model's top-k run, the same for every token; a fraction is spread over "
                     "the layers.");
    case Kind::Weight:
        return words("Experts whose weight is at most this are dropped, in every layer alike.");
    case Kind::Mass:
        return words("Share of the chosen experts' weight that may be dropped: top-p with p = 1 − this.");
    case Kind::Ratio:
        return words("Experts whose weight is less than this times the best one's are dropped (NAEE, MC-MoE).");
    case Kind::Dice:
        return words("Probability with which each expert but the best is dropped, whatever its weight.");
    }
    return {};
}

QString GateRule::valueText(double threshold) const {
    QString number = format::number(threshold, 3);
    switch (m_kind) {
    case Kind::None:
        return words("off");
    case Kind::Error:
        return words("T %1").arg(number);
    case Kind::FewerExperts:
        return words("k′ %1").arg(format::number(std::max(1.0, m_topK - threshold), 3));
    case Kind::Weight:
        return words("≤ %1").arg(number);
    case Kind::Mass:
        return words("p %1").arg(format::number(std::max(0.0, 1 - threshold), 3));
    case Kind::Ratio:
        return words("β %1").arg(number);
    case Kind::Dice:
        return format::percent(std::min(1.0, threshold));
    }
    return number;
}

SliderScale GateRule::scale() const {
    const double tail = 1 - 1.0 / m_topK;
    switch (m_kind) {
    case Kind::None:
        break;
    case Kind::Error: {
        // At the largest tail (all but the best of equal weights) the most sensitive layer has dropped everything.
        const double most = m_sensitivity.empty() ? 0.2 : rounded(m_largest * tail * tail * 1.01);
        return {SliderScale::Kind::Square, 0, most > 0 ? most : 0.2};
    }
    case Kind::FewerExperts:
        return {SliderScale::Kind::Linear, 0, std::max(1.0, m_topK - 1.0)};
    case Kind::Weight:
        return {SliderScale::Kind::Linear, 0, 0.5};
    case Kind::Mass:
        return {SliderScale::Kind::Linear, 0, m_topK > 1 ? tail : 0.5};
    case Kind::Ratio:
    case Kind::Dice:
        return {SliderScale::Kind::Linear, 0, 1};
    }
    return {SliderScale::Kind::Linear, 0, 1};
}

bool GateRule::placed() const {
    switch (m_kind) {
    case Kind::Error:
        return !m_sensitivity.empty();
    case Kind::Mass:
        return true;
    case Kind::Weight:
    case Kind::Ratio:
        return m_topK == 2; // beyond, one expert's weight says nothing of the tail's
    default:
        return false;
    }
}

double GateRule::sensitivityAt(int layer) const {
    return layer >= 0 && static_cast<std::size_t>(layer) < m_sensitivity.size() ? m_sensitivity[static_cast<std::size_t>(layer)]
                                                                                : meanSensitivity(m_sensitivity);
}

double GateRule::shareAt(double threshold, int layer) const {
    if (m_kind == Kind::Error)
        return shareAtThreshold(threshold, sensitivityAt(layer));
    return m_kind == Kind::Ratio ? threshold / (1 + threshold) : threshold;
}

double GateRule::thresholdAt(double share, int layer) const {
    const double place = std::clamp(share, 0.0, 1.0);
    if (m_kind == Kind::Error)
        return thresholdAtShare(place, sensitivityAt(layer));
    return m_kind == Kind::Ratio ? std::min(1.0, place / std::max(1e-9, 1 - place)) : place;
}

} // namespace moescope::ui
