#include "tests/ui/support/sample_snapshot.h"
#include "ui/gate_estimate.h"
#include "ui/gate_presets.h"
#include "ui/gate_rule.h"

#include <QTest>
#include <cmath>

using namespace Qt::StringLiterals;
using namespace moescope;
using namespace moescope::ui;
using namespace moescope::ui::test;

class GateRuleTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void everyGateHasWordsAndARange();
    void theEdgeIsWhereThePolicyTurns();
    void asksForWhatItNeeds();
    void pricesWithTheRealPolicy();
    void costsLieOnTheMeasuredLine();
    void wordsForPeople();
    void ratiosAreTheMedians();
    void presetsNeedDecisionsOrCosts();

private:
    /// What the real policy keeps of two experts when the second has that share of the weight.
    static int kept(const policy::GatePolicy& gate, double share) {
        const std::array logits{static_cast<float>(std::log(1 - share)), static_cast<float>(std::log(share))};
        std::array<float, 2> scratch{};
        policy::GateQuestion question;
        question.logits = logits;
        question.rule = {2, true};
        return gate.choose(question, scratch).kept;
    }
    static policy::Sensitivities oneLayer() {
        policy::Sensitivities known;
        known.refined = {0.7};
        known.paper = {1.3};
        auto pairs = std::make_shared<policy::PairTable>(1, 2);
        pairs->at(0, 0, 1) = pairs->at(0, 1, 0) = 0.9F;
        known.pairs = pairs;
        return known;
    }
};

void GateRuleTest::everyGateHasWordsAndARange() {
    const policy::Sensitivities known = oneLayer();
    for (const std::string& name : policy::gatePolicyNames()) {
        const GateRule rule(QString::fromStdString(name), &known, 2);
        QVERIFY(!rule.meaning().isEmpty());
        QVERIFY(!rule.valueText(0.1).isEmpty());
        QVERIFY2(rule.missing().isEmpty(), name.c_str());
        QCOMPARE(rule.hasThreshold(), name != "topk");
        if (!rule.hasThreshold())
            continue;
        // From the plain model to where nothing is left to drop.
        policy::GateParameters parameters;
        parameters.threshold = rule.most();
        parameters.sensitivity = known.refined;
        parameters.paperSensitivity = known.paper;
        parameters.pairs = known.pairs;
        if (name != "adapmoe-residency" && name != "ratio")
            QCOMPARE(kept(*policy::makeGatePolicy(name, parameters), 0.499), 1);
        parameters.threshold = rule.scale().low;
        QCOMPARE(kept(*policy::makeGatePolicy(name, parameters), 0.01), 2);
    }
}

void GateRuleTest::theEdgeIsWhereThePolicyTurns() {
    const policy::Sensitivities known = oneLayer();
    for (const char* name : {"adapmoe", "adapmoe-paper", "adapmoe-pair", "score", "top-p", "ratio"}) {
        const GateRule rule(QString::fromUtf8(name), &known, 2);
        QVERIFY(rule.placed());
        for (const double share : {0.05, 0.2, 0.41}) {
            const double threshold = rule.thresholdAt(share, 0);
            QVERIFY(std::abs(rule.shareAt(threshold, 0) - share) < 1e-9);
            policy::GateParameters parameters;
            parameters.threshold = threshold;
            parameters.sensitivity = known.refined;
            parameters.paperSensitivity = known.paper;
            parameters.pairs = known.pairs;
            const auto gate = policy::makeGatePolicy(name, parameters);
            QVERIFY2(kept(*gate, share - 0.001) == 1 && kept(*gate, share + 0.001) == 2, name);
        }
    }
    QVERIFY(!GateRule(u"random"_s, &known, 2).placed());
    QVERIFY(!GateRule(u"static-k"_s, &known, 2).placed());
    QVERIFY(!GateRule(u"ratio"_s, &known, 4).placed());
}

void GateRuleTest::asksForWhatItNeeds() {
    policy::Sensitivities known = oneLayer();
    known.pairs.reset();
    QVERIFY(GateRule(u"adapmoe"_s, &known, 2).missing().isEmpty());
    QVERIFY(GateRule(u"adapmoe-pair"_s, &known, 2).missing().contains(u"pair"_s));
    QVERIFY(GateRule(u"adapmoe"_s, nullptr, 2).missing().contains(u"calibrate"_s));
    QVERIFY(GateRule(u"score"_s, nullptr, 2).missing().isEmpty());
}

void GateRuleTest::pricesWithTheRealPolicy() {
    const auto snapshot = SampleSession().snapshot();
    const PresetQuestion question = presetQuestion(*snapshot, u"adapmoe"_s);
    policy::GateParameters parameters;
    parameters.threshold = 0.03;
    parameters.sensitivity = snapshot->calibration->refined;
    parameters.pairs = snapshot->calibration->pairs;
    const GateEstimate estimate = estimateGate(u"adapmoe"_s, parameters, *question.decisions);
    // The sample's own decode decisions were made by this rule.
    QVERIFY2(std::abs(estimate.meanExperts - 2 + estimate.singleShare) < 1e-9,
             qPrintable(QString::number(estimate.meanExperts)));
    int single = 0;
    int decisions = 0;
    for (std::size_t i = 0; i < snapshot->choices.size(); ++i)
        if (snapshot->choices[i].phase == trace::Phase::Decode) {
            single += snapshot->choices[i].kept == 1 ? 1 : 0;
            ++decisions;
        }
    QVERIFY(std::abs(estimate.singleShare - static_cast<double>(single) / decisions) < 0.003);
    QVERIFY(!estimateGate(u"adapmoe-paper"_s, parameters, *question.decisions).known());
    const GateEstimate residency = estimateGate(u"adapmoe-residency"_s, parameters, *question.decisions);
    QCOMPARE(residency.meanExperts, estimateGate(u"adapmoe-pair"_s, parameters, *question.decisions).meanExperts);
    QCOMPARE(residency.mostExperts, 2.0);
}

void GateRuleTest::costsLieOnTheMeasuredLine() {
    policy::GateCosts costs;
    costs.points = {{"adapmoe", 0.04, 1.2, 0.8, 0.05, 1.04}, {"adapmoe", 0.01, 1.6, 0.4, 0.01, 1.01}};
    costs.quantisation = {{"Q8_0", 0.001, 1}, {"Q4_0", 0.02, 1.01}};
    const auto half = costAt(costs, u"adapmoe"_s, 0.005, 2);
    QVERIFY(half && std::abs(half->meanKl - 0.005) < 1e-12 && std::abs(half->meanExperts - 1.8) < 1e-12);
    QVERIFY(std::abs(costAt(costs, u"adapmoe"_s, 0.025, 2)->meanKl - 0.03) < 1e-12);
    QCOMPARE(costAt(costs, u"adapmoe"_s, 1, 2)->meanKl, 0.05);
    QCOMPARE(costAt(costs, u"adapmoe"_s, 0, 2)->meanKl, 0.0);
    QVERIFY(std::abs(costAtMean(costs, u"adapmoe"_s, 1.4, 2)->meanKl - 0.03) < 1e-12);
    QVERIFY(!costAt(costs, u"score"_s, 0.1, 2));
    QCOMPARE(costAt(costs, u"topk"_s, 0.1, 2)->meanKl, 0.0);
    QVERIFY(!costAt({}, u"topk"_s, 0.1, 2));
}

void GateRuleTest::wordsForPeople() {
    QCOMPARE(headline(1.75, 0.25, 2), u"1.75 experts · 25 % single · 13 % fewer"_s);
    QCOMPARE(headline(1.5, 0.5, 2), u"1.50 experts · 50 % single · 25 % fewer"_s);
    QCOMPARE(headline(-1, 0, 2), QString());
    policy::GateCosts costs;
    costs.quantisation = {{"Q8_0", 0.001, 1}, {"Q4_0", 0.02, 1.01}};
    policy::GateCostPoint point;
    point.meanKl = 0.01;
    point.perplexityRatio = 1.011;
    QCOMPARE(costFigures(point), u"KL 0.01 · perplexity +1.1 %"_s);
    QVERIFY(costWords(point, costs).startsWith(u"between Q8_0 and Q4_0"_s));
    QCOMPARE(costWords(point, {}), QString());
}

void GateRuleTest::ratiosAreTheMedians() {
    const PresetQuestion question = presetQuestion(*SampleSession().snapshot(), u"topk"_s);
    const PresetAnswer naee = resolve(GatePreset::Naee, question);
    QCOMPARE(naee.problem, QString());
    QCOMPARE(naee.values.value(u"gate"_s), u"ratio"_s);
    // Half of the tokens lie below the median (NAEE): their second expert goes.
    QVERIFY2(std::abs(naee.expected.singleShare - 0.5) < 0.03, qPrintable(QString::number(naee.expected.singleShare)));
    const PresetAnswer mcmoe = resolve(GatePreset::McMoe, question);
    // Of eight layers the five least sensitive ones, which are the first in the sample.
    const auto overrides = policy::parseLayerOverrides(mcmoe.values.value(u"gate-layers"_s).toStdString());
    for (int layer = 0; layer < 8; ++layer)
        QCOMPARE(overrides.at(layer) > 0, layer < 5);
    QVERIFY(std::abs(mcmoe.expected.singleShare - 0.5 * 5 / 8) < 0.03);
}

void GateRuleTest::presetsNeedDecisionsOrCosts() {
    SampleSession session;
    PresetQuestion question = presetQuestion(*session.snapshot(), u"topk"_s);
    question.decisions = std::make_shared<policy::DecisionTrace>(8, policy::RouterRule{});
    question.medianRatios.assign(8, 0);
    // From the measured costs, where there are no decisions yet.
    const PresetAnswer measured = resolve(GatePreset::QuarterFewer, question);
    QCOMPARE(measured.values.value(u"gate"_s), u"adapmoe-pair"_s);
    QVERIFY(std::abs(measured.values.value(u"gate-threshold"_s).toDouble() - 0.015) < 1e-9);
    question.known.reset();
    QVERIFY(!resolve(GatePreset::QuarterFewer, question).problem.isEmpty());
    QVERIFY(!resolve(GatePreset::Naee, question).problem.isEmpty());
    QCOMPARE(resolve(GatePreset::Off, question).values.value(u"gate"_s), u"topk"_s);
}

QTEST_MAIN(GateRuleTest)
#include "gate_rule_test.moc"
