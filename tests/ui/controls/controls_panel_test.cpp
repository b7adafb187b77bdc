#include "engine/policy/gate_policy.h"
#include "tests/ui/support/panel_bench.h"
#include "ui/controls/control_prices.h"
#include "ui/controls/controls_panel.h"
#include "ui/controls/setting_slider.h"
#include "ui/controls/slider_scale.h"

#include <QClipboard>
#include <QComboBox>
#include <QPushButton>
#include <QScrollArea>
#include <QScrollBar>
#include <QSignalSpy>
#include <QSlider>
#include <cmath>

using namespace Qt::StringLiterals;
using namespace moescope;
using namespace moescope::ui;
using namespace moescope::ui::test;

namespace {

struct ControlsBench : PanelBench {
    ControlsBench() : session({.file = "live.moescope"}), panel(feed, selection, commands, theme) {
        QObject::connect(&commands, &Commands::settingRequested, &panel, [this](const QString& name, const QString& value) {
            sent.push_back({name, value});
        });
        panel.setEngine(true, u"live.moescope"_s);
        present(panel, {257, 420});
        feed.showSnapshot(session.snapshot());
        settle();
    }
    SettingSlider* slider(const QString& title) {
        for (SettingSlider* slider : panel.findChildren<SettingSlider*>()) {
            if (slider->slider().accessibleName() == title)
                return slider;
        }
        return nullptr;
    }
    QComboBox* choice(const QString& setting) {
        for (QComboBox* box : panel.findChildren<QComboBox*>()) {
            if (box->accessibleName() == setting)
                return box;
        }
        return nullptr;
    }
    QPushButton* button(const QString& text) {
        for (QPushButton* button : panel.findChildren<QPushButton*>()) {
            if (button->text() == text)
                return button;
        }
        return nullptr;
    }
    void say(const QString& name, const QString& value) {
        for (auto& [key, old] : session.edit().settings) {
            if (key == name.toStdString())
                old = value.toStdString();
        }
        feed.showSnapshot(session.snapshot());
    }

    SampleSession session;
    QList<std::pair<QString, QString>> sent;
    ControlsPanel panel;
};

} // namespace

class ControlsPanelTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void scalesComeBack();
    void expectedExpertsAgreeWithThePolicy();
    void showsWhatIsInForce();
    void aDragSendsFewChangesAndIsOneStep();
    void undoAndRedoSendTheValues();
    void anUnconfirmedChangeFallsBack();
    void presetsSetSeveral();
    void aSliderThatCannotActSaysWhy();
    void aReplayIsReadOnlyAndFollowsTheCursor();
    void theCommandLineNamesEverything();
    void nothingIsCutOff();
    void looks();
};

void ControlsPanelTest::scalesComeBack() {
    const SliderScale scales[] = {
        {SliderScale::Kind::Linear, 8, 64}, {SliderScale::Kind::Square, 0, 0.2}, {SliderScale::Kind::Logarithmic, 0.1, 64}};
    for (const SliderScale& scale : scales) {
        QCOMPARE(scale.valueAt(0), scale.low);
        QVERIFY(std::abs(scale.valueAt(SliderScale::kSteps) - scale.high) < 1e-9);
        for (int position = 0; position <= SliderScale::kSteps; position += 10)
            QCOMPARE(scale.positionOf(scale.valueAt(position)), position);
        QCOMPARE(scale.positionOf(scale.high * 10), SliderScale::kSteps);
    }
    QCOMPARE(rounded(0.0123456), 0.0123);
    QCOMPARE(rounded(1234.5), 1230.0);
    QCOMPARE(rounded(0), 0.0);
}

void ControlsPanelTest::expectedExpertsAgreeWithThePolicy() {
    // The policy itself, on router logits whose recorded weights are then asked for an estimate.
    std::mt19937 random(3);
    std::normal_distribution<float> logit(0, 1.5F);
    const std::vector<double> sensitivity = {0.2, 0.9};
    for (const int topK : {2, 4}) {
        for (const double threshold : {0.0, 0.005, 0.02, 0.1, 1.0}) {
            const auto plain = policy::makeGatePolicy("topk", {});
            const auto gate = policy::makeGatePolicy("adapmoe", {threshold, sensitivity});
            analysis::Snapshot snapshot;
            snapshot.layers = 2;
            int kept = 0;
            const int decisions = 400;
            for (int i = 0; i < decisions; ++i) {
                std::vector<float> logits(8);
                for (float& value : logits)
                    value = logit(random);
                std::vector<float> scratch(8);
                const policy::GateQuestion question{i % 2, logits, {topK, true}, nullptr};
                kept += gate->choose(question, scratch).kept;
                const policy::GateChoice choice = plain->choose(question, scratch);
                analysis::ChoiceRecord record;
                record.candidates = static_cast<std::uint8_t>(choice.candidates);
                for (int k = 0; k < choice.candidates; ++k)
                    record.weights[static_cast<std::size_t>(k)] =
                        trace::toHalf(choice.candidateWeights[static_cast<std::size_t>(k)]);
                snapshot.choices.push(record);
            }
            const double expected = expectedExperts(snapshot, threshold, sensitivity);
            QVERIFY2(std::abs(expected - static_cast<double>(kept) / decisions) < 0.01, qPrintable(QString::number(expected)));
        }
    }
    QCOMPARE(expectedExperts({}, 0.1, sensitivity), -1.0);
}

void ControlsPanelTest::showsWhatIsInForce() {
    ControlsBench bench;
    QCOMPARE(bench.choice(u"gate"_s)->currentText(), u"adapmoe"_s);
    QCOMPARE(bench.slider(u"Gate"_s)->shownValue(), u"0.03"_s);
    QCOMPARE(bench.slider(u"Expert cache"_s)->shownValue(), u"32 / 64"_s);
    QVERIFY(bench.slider(u"Expert cache"_s)->shownPrice().startsWith(u"13.4 MB of 26.8 MB"_s));
    QCOMPARE(bench.choice(u"link"_s)->currentText(), u"pcie3x4"_s);
    QVERIFY(bench.slider(u"Gate"_s)->shownPrice().contains(u"experts per token"_s));
    QVERIFY(bench.sent.isEmpty()); // showing is not asking
}

void ControlsPanelTest::aDragSendsFewChangesAndIsOneStep() {
    ControlsBench bench;
    QSlider& slider = bench.slider(u"Expert cache"_s)->slider();
    QElapsedTimer timer;
    timer.start();
    slider.setSliderDown(true);
    for (int step = 0; step < 60; ++step) {
        slider.setSliderPosition(400 - step * 5);
        QTest::qWait(2);
    }
    slider.setSliderDown(false);
    QTest::qWait(80);
    const auto limit = static_cast<qsizetype>(static_cast<double>(timer.elapsed()) * 30.0 / 1000) + 2;
    QVERIFY2(bench.sent.size() >= 2 && bench.sent.size() <= limit, qPrintable(QString::number(bench.sent.size())));
    QCOMPARE(bench.sent.back().first, u"cache-experts"_s);
    QCOMPARE(bench.sent.back().second, bench.panel.shown().value(u"cache-experts"_s));
    QCOMPARE(bench.panel.undoStack().count(), 1);
}

void ControlsPanelTest::undoAndRedoSendTheValues() {
    ControlsBench bench;
    bench.choice(u"cache"_s)->setCurrentText(u"lfu"_s);
    Q_EMIT bench.choice(u"cache"_s)->textActivated(u"lfu"_s);
    QTest::qWait(60);
    QCOMPARE(bench.sent.back(), (std::pair{u"cache"_s, u"lfu"_s}));
    bench.say(u"cache"_s, u"lfu"_s);
    QTest::mouseClick(bench.button(u"undo"_s), Qt::LeftButton);
    QTest::qWait(60);
    QCOMPARE(bench.sent.back(), (std::pair{u"cache"_s, u"lru"_s}));
    QTest::mouseClick(bench.button(u"redo"_s), Qt::LeftButton);
    QTest::qWait(60);
    QCOMPARE(bench.sent.back(), (std::pair{u"cache"_s, u"lfu"_s}));
}

void ControlsPanelTest::anUnconfirmedChangeFallsBack() {
    ControlsBench bench;
    Q_EMIT bench.choice(u"cache"_s)->textActivated(u"lfu"_s);
    QTest::qWait(60);
    bench.feed.showSnapshot(bench.session.snapshot()); // the session still says lru: the change is on its way
    QCOMPARE(bench.panel.shown().value(u"cache"_s), u"lfu"_s);
    QTest::qWait(1600);
    bench.feed.showSnapshot(bench.session.snapshot()); // by now it was refused
    QCOMPARE(bench.panel.shown().value(u"cache"_s), u"lru"_s);
    QCOMPARE(bench.choice(u"cache"_s)->currentText(), u"lru"_s);
}

void ControlsPanelTest::presetsSetSeveral() {
    ControlsBench bench;
    QTest::mouseClick(bench.button(u"LFU pool"_s), Qt::LeftButton);
    QTest::qWait(80);
    QMap<QString, QString> sent;
    for (const auto& [name, value] : bench.sent)
        sent[name] = value;
    QCOMPARE(sent.value(u"cache"_s), u"lfu"_s);
    QCOMPARE(sent.value(u"allocation"_s), u"global"_s);
    QVERIFY(bench.button(u"LFU pool"_s)->isChecked());
    QVERIFY(!bench.button(u"LRU"_s)->isChecked());
    QCOMPARE(bench.panel.undoStack().count(), 1);
}

void ControlsPanelTest::aSliderThatCannotActSaysWhy() {
    ControlsBench bench;
    QVERIFY(bench.slider(u"Gate"_s)->slider().isEnabled());
    bench.say(u"gate"_s, u"topk"_s);
    QVERIFY(!bench.slider(u"Gate"_s)->slider().isEnabled());
    QVERIFY(bench.slider(u"Gate"_s)->shownPrice().contains(u"adapmoe"_s));
    QVERIFY(bench.choice(u"gate"_s)->isEnabled());
    bench.say(u"prefetch"_s, u"none"_s);
    QVERIFY(!bench.slider(u"Prefetch"_s)->slider().isEnabled());
    QVERIFY(bench.slider(u"Prefetch"_s)->shownPrice().contains(u"next-layer"_s));
}

void ControlsPanelTest::aReplayIsReadOnlyAndFollowsTheCursor() {
    ControlsBench bench;
    bench.panel.setEngine(true, u"another.moescope"_s);
    for (const SettingSlider* slider : bench.panel.findChildren<SettingSlider*>())
        QVERIFY(!slider->slider().isEnabled());
    for (const QComboBox* box : bench.panel.findChildren<QComboBox*>())
        QVERIFY(!box->isEnabled());
    bench.say(u"gate-threshold"_s, u"0.11"_s);
    QCOMPARE(bench.slider(u"Gate"_s)->shownValue(), u"0.11"_s);
    QVERIFY(bench.sent.isEmpty());
}

void ControlsPanelTest::theCommandLineNamesEverything() {
    ControlsBench bench;
    QTest::mouseClick(bench.button(u"copy as command line"_s), Qt::LeftButton);
    const QString line = QGuiApplication::clipboard()->text();
    for (const QString& name : controlNames())
        QVERIFY2(line.contains(u"--%1 %2"_s.arg(name, bench.panel.shown().value(name))), qPrintable(line));
}

void ControlsPanelTest::nothingIsCutOff() {
    ControlsBench bench;
    const auto* scroll = bench.panel.findChild<QScrollArea*>();
    QVERIFY2(scroll->widget()->minimumSizeHint().width() <= scroll->viewport()->width(),
             qPrintable(u"%1 > %2"_s.arg(scroll->widget()->minimumSizeHint().width()).arg(scroll->viewport()->width())));
    for (const SettingSlider* slider : bench.panel.findChildren<SettingSlider*>())
        QVERIFY(slider->geometry().right() <= scroll->widget()->width());
}

void ControlsPanelTest::looks() {
    ControlsBench bench;
    bench.picture(bench.panel, u"controls"_s);
    bench.panel.setEngine(true, u"another.moescope"_s);
    bench.picture(bench.panel, u"controls-replay"_s);
}

QTEST_MAIN(ControlsPanelTest)
#include "controls_panel_test.moc"
