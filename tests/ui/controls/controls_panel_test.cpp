#include "engine/policy/gate_policy.h"
#include "profiler/analysis/recorded_decisions.h"
#include "tests/ui/support/panel_bench.h"
#include "ui/controls/controls_panel.h"
#include "ui/controls/setting_slider.h"
#include "ui/slider_scale.h"

#include <QClipboard>
#include <QComboBox>
#include <QDoubleSpinBox>
#include <QLabel>
#include <QLineEdit>
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
        bool known = false;
        for (auto& [key, old] : session.edit().settings) {
            if (key != name.toStdString())
                continue;
            old = value.toStdString();
            known = true;
        }
        if (!known)
            session.edit().settings.emplace_back(name.toStdString(), value.toStdString());
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
    void everyGateHasItsOwnScaleAndPrice();
    void saysWhatTheSettingCosts();
    void detailsOfTheGateAreSent();
    void weightsBelongToTheWeightedCache();
    void aGateWithoutItsSensitivitiesCannotBeChosen();
    void changesOfOtherPanelsCanBeTakenBack();
    void theAdapmoePresetFindsItsThreshold();
    void showsWhatIsInForce();
    void aDragSendsFewChangesAndIsOneStep();
    void undoAndRedoSendTheValues();
    void anUnconfirmedChangeFallsBack();
    void presetsSetSeveral();
    void aSliderThatCannotActSaysWhy();
    void aReplayIsReadOnlyAndFollowsTheCursor();
    void theCommandLineNamesEverything();
    void whatNeedsAnotherStartIsAsked();
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

void ControlsPanelTest::everyGateHasItsOwnScaleAndPrice() {
    ControlsBench bench;
    const auto snapshot = bench.session.snapshot();
    const auto decisions = analysis::recordedDecisions(*snapshot);
    for (const std::string& name : policy::gatePolicyNames()) {
        const QString gate = QString::fromStdString(name);
        bench.say(u"gate"_s, gate);
        bench.say(u"gate-threshold"_s, u"0.3"_s);
        SettingSlider& slider = *bench.slider(u"Gate"_s);
        const GateRule rule(gate, snapshot->calibration.get(), 2);
        QCOMPARE(slider.slider().isEnabled(), rule.hasThreshold());
        QCOMPARE(slider.shownValue(), rule.valueText(0.3));
        if (!rule.hasThreshold())
            continue;
        QVERIFY(std::abs(slider.value() - std::min(0.3, rule.most())) < 0.01 * rule.most());
        // The price is what the policy itself makes of the session's decisions.
        policy::GateParameters parameters = analysis::gateParameters(snapshot->calibration.get(), {});
        parameters.threshold = 0.3;
        const GateEstimate estimate = estimateGate(gate, parameters, decisions);
        QVERIFY2(slider.shownPrice().contains(headline(estimate, 2)), qPrintable(slider.shownPrice()));
    }
}

void ControlsPanelTest::saysWhatTheSettingCosts() {
    ControlsBench bench;
    bench.say(u"gate-threshold"_s, u"0.015"_s);
    QVERIFY2(bench.slider(u"Gate"_s)->shownNote().contains(u"between Q8_0 and Q4_0"_s),
             qPrintable(bench.slider(u"Gate"_s)->shownNote()));
    bench.say(u"gate"_s, u"adapmoe-paper"_s);
    QVERIFY(bench.slider(u"Gate"_s)->shownNote().contains(u"adapmoe-paper"_s));
    bench.session.edit().calibration.reset();
    bench.say(u"gate"_s, u"score"_s);
    QCOMPARE(bench.slider(u"Gate"_s)->shownNote(), QString());
}

void ControlsPanelTest::detailsOfTheGateAreSent() {
    ControlsBench bench;
    auto* layers = bench.panel.findChild<QLineEdit*>();
    QVERIFY(layers != nullptr);
    layers->setFocus();
    layers->setText(u"5-6:0.2, 1:0"_s);
    QTest::keyClick(layers, Qt::Key_Return);
    QTest::qWait(60);
    QVERIFY(bench.sent.isEmpty()); // a blank is no part of a list of layers
    QVERIFY(bench.slider(u"Gate"_s)->shownNote().contains(u"not a layer"_s));
    layers->setText(u"5-6:0.2,1:0"_s);
    QTest::keyClick(layers, Qt::Key_Return);
    QTest::qWait(60);
    QCOMPARE(bench.sent.back(), (std::pair{u"gate-layers"_s, u"1:0,5-6:0.2"_s}));
    Q_EMIT bench.choice(u"gate-phase"_s)->textActivated(u"decode"_s);
    QTest::qWait(60);
    QCOMPARE(bench.sent.back(), (std::pair{u"gate-phase"_s, u"decode"_s}));
}

void ControlsPanelTest::weightsBelongToTheWeightedCache() {
    ControlsBench bench;
    const QList<QDoubleSpinBox*> boxes = bench.panel.findChildren<QDoubleSpinBox*>();
    QCOMPARE(boxes.size(), 3);
    QVERIFY(!boxes[0]->isVisible());
    bench.say(u"cache"_s, u"weighted"_s);
    QVERIFY(boxes[0]->isVisible());
    QCOMPARE(boxes[1]->value(), 0.5);
    boxes[0]->setValue(0.75);
    Q_EMIT boxes[0]->editingFinished();
    QTest::qWait(60);
    QCOMPARE(bench.sent.back(), (std::pair{u"cache-weights"_s, u"0.75,0.5,0.25"_s}));
    bench.picture(bench.panel, u"controls-weighted"_s);
}

void ControlsPanelTest::aGateWithoutItsSensitivitiesCannotBeChosen() {
    ControlsBench bench;
    const auto enabled = [&](const QString& gate) {
        const QComboBox& box = *bench.choice(u"gate"_s);
        return box.model()->flags(box.model()->index(box.findText(gate), 0)).testFlag(Qt::ItemIsEnabled);
    };
    QVERIFY(enabled(u"adapmoe-pair"_s));
    auto known = std::make_shared<policy::Sensitivities>();
    known->refined = bench.session.snapshot()->info->sensitivity;
    bench.session.edit().calibration = known;
    bench.feed.showSnapshot(bench.session.snapshot());
    QVERIFY(!enabled(u"adapmoe-pair"_s));
    QVERIFY(enabled(u"adapmoe"_s) && enabled(u"score"_s));
    const QComboBox& box = *bench.choice(u"gate"_s);
    QVERIFY(box.itemData(box.findText(u"adapmoe-pair"_s), Qt::ToolTipRole).toString().contains(u"pair"_s));
}

void ControlsPanelTest::changesOfOtherPanelsCanBeTakenBack() {
    ControlsBench bench;
    Q_EMIT bench.commands.settingRequested(u"gate-threshold"_s, u"0.05"_s);
    Q_EMIT bench.commands.settingRequested(u"gate-threshold"_s, u"0.06"_s);
    Q_EMIT bench.commands.settingRequested(u"gate-layers"_s, u"1:0"_s);
    QCOMPARE(bench.panel.undoStack().count(), 1);
    QCOMPARE(bench.panel.shown().value(u"gate-threshold"_s), u"0.06"_s);
    QTest::qWait(60);
    QCOMPARE(bench.sent.size(), 3); // taken over, not sent again
    bench.say(u"gate-threshold"_s, u"0.06"_s);
    bench.panel.undoStack().undo();
    QTest::qWait(60);
    QMap<QString, QString> sent;
    for (const auto& [name, value] : bench.sent)
        sent[name] = value;
    QCOMPARE(sent.value(u"gate-threshold"_s).toDouble(), 0.03);
    QCOMPARE(sent.value(u"gate-layers"_s), u"none"_s);
}

void ControlsPanelTest::theAdapmoePresetFindsItsThreshold() {
    ControlsBench bench;
    bench.say(u"gate"_s, u"topk"_s);
    QTest::mouseClick(bench.button(u"AdapMoE"_s), Qt::LeftButton);
    QTRY_VERIFY(!bench.sent.isEmpty());
    QTest::qWait(80);
    QMap<QString, QString> sent;
    for (const auto& [name, value] : bench.sent)
        sent[name] = value;
    QCOMPARE(sent.value(u"gate"_s), u"adapmoe-pair"_s);
    QVERIFY(sent.value(u"gate-threshold"_s).toDouble() > 0);
    QCOMPARE(bench.panel.undoStack().count(), 1);
    QVERIFY(bench.button(u"AdapMoE"_s)->isChecked());
    QVERIFY2(bench.slider(u"Gate"_s)->shownPrice().contains(u"1.75 experts"_s),
             qPrintable(bench.slider(u"Gate"_s)->shownPrice()));
}

void ControlsPanelTest::showsWhatIsInForce() {
    ControlsBench bench;
    QCOMPARE(bench.choice(u"gate"_s)->currentText(), u"adapmoe"_s);
    QCOMPARE(bench.slider(u"Gate"_s)->shownValue(), u"T 0.03"_s);
    QCOMPARE(bench.slider(u"Expert cache"_s)->shownValue(), u"32 / 64"_s);
    QVERIFY(bench.slider(u"Expert cache"_s)->shownPrice().startsWith(u"13.4 MB of 26.8 MB"_s));
    QCOMPARE(bench.choice(u"link"_s)->currentText(), u"pcie3x4"_s);
    QVERIFY(bench.slider(u"Gate"_s)->shownPrice().contains(u"experts"_s));
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
    QVERIFY(bench.slider(u"Gate"_s)->shownPrice().contains(u"another gate"_s));
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
    QCOMPARE(bench.slider(u"Gate"_s)->shownValue(), u"T 0.11"_s);
    QVERIFY(bench.sent.isEmpty());
}

void ControlsPanelTest::theCommandLineNamesEverything() {
    ControlsBench bench;
    QTest::mouseClick(bench.button(u"copy as command line"_s), Qt::LeftButton);
    const QString line = QGuiApplication::clipboard()->text();
    for (const QString& name : controlNames())
        QVERIFY2(line.contains(u"--%1 %2"_s.arg(name, bench.panel.shown().value(name))), qPrintable(line));
}

void ControlsPanelTest::whatNeedsAnotherStartIsAsked() {
    ControlsBench bench;
    QSignalSpy asked(&bench.panel, &ControlsPanel::restartWanted);
    QComboBox* level = bench.choice(u"trace-level"_s);
    QComboBox* memory = bench.choice(u"host-memory"_s);
    const auto labelled = [&bench](const QString& words) {
        const auto labels = bench.panel.findChildren<QLabel*>();
        return std::any_of(labels.begin(), labels.end(),
                           [&](const QLabel* label) { return label->isVisible() && label->text().contains(words); });
    };
    QVERIFY(!level->isEnabled() && !memory->isEnabled());
    QVERIFY(labelled(u"computes on the processor"_s));
    bench.feed.showSnapshot(bench.session.withInfo([](session::SessionInfo& info) {
        info.machine.device = "NVIDIA H100 80GB HBM3 (CUDA, pinned host memory)";
        info.machine.deviceBytes = 80'000'000'000;
        info.machine.hostMemory = "pinned";
        info.tracer.level = 1;
    }));
    QVERIFY(level->isEnabled() && memory->isEnabled());
    QVERIFY(!labelled(u"computes on the processor"_s));
    QCOMPARE(level->currentText(), u"L1 copies"_s);
    QCOMPARE(memory->currentText(), u"pinned"_s);
    level->setFocus();
    QTest::keyClick(level, Qt::Key_Down);
    QCOMPARE(asked.size(), 1);
    QCOMPARE(asked[0][0].toString(), u"trace-level"_s);
    QCOMPARE(asked[0][1].toString(), u"2"_s);
    QCOMPARE(level->currentText(), u"L1 copies"_s); // until the engine has started anew
    bench.picture(bench.panel, u"controls-gpu"_s);
    bench.panel.setEngine(true, u"another.moescope"_s);
    QVERIFY(!level->isEnabled() && !memory->isEnabled());
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
