#include "ui/simulator/what_if.h"

#include <QDir>
#include <QFile>
#include <QTemporaryDir>
#include <QTest>

using namespace Qt::StringLiterals;
using namespace moescope;
using namespace moescope::ui;

class WhatIfTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void asksOnlyForWhatIsSaid();
    void takesEverySettingThereIs();
    void axesAreCheckedAndTold();
    void aPointGoesBeforeTheScenario();
    void theCommandLineSaysTheSame();
    void proposesTheWholeCache();
    void neverNamesAFileThatIsThere();
    void asRecordedIsWhatTheSessionSays();
};

void WhatIfTest::asksOnlyForWhatIsSaid() {
    QVERIFY(scenarioOf({}).changes.empty());
    WhatIf wish;
    wish.settings[u"cache"_s] = u"belady"_s;
    wish.settings[u"link"_s] = u" 3.5 "_s;
    wish.idealCopies = true;
    const simulate::Scenario scenario = scenarioOf(wish);
    QVERIFY(scenario.belady());
    QVERIFY(scenario.idealCopies);
    QCOMPARE(scenario.changes.size(), 2U);
    QVERIFY(*scenario.value("link") == "3.5");
    wish.settings[u"cache-experts"_s] = u"many"_s;
    QVERIFY(problemOf(wish, false).contains(u"cache-experts"_s));
}

void WhatIfTest::takesEverySettingThereIs() {
    WhatIf wish;
    for (const simulate::ScenarioSetting& setting : simulate::scenarioSettings())
        wish.settings[QString::fromStdString(setting.name)] =
            QString::fromStdString(setting.choices.empty() ? setting.standard : setting.choices.back());
    QCOMPARE(problemOf(wish, false), QString());
    QCOMPARE(scenarioOf(wish).changes.size(), simulate::scenarioSettings().size());
    for (const simulate::ScenarioSetting& setting : simulate::scenarioSettings())
        for (const std::string& choice : setting.choices) {
            simulate::Scenario scenario;
            scenario.set(setting.name, choice);
            QVERIFY(scenario.value(setting.name).has_value());
        }
}

void WhatIfTest::axesAreCheckedAndTold() {
    WhatIf wish;
    QVERIFY(problemOf(wish, true).contains(u"sweep"_s));
    wish.axes[0] = {u"cache-experts"_s, u"8 : 24 : 8"_s};
    wish.axes[1] = {u"cache"_s, u"lru, belady"_s};
    const auto axes = axesOf(wish);
    QCOMPARE(axes.size(), 2U);
    QCOMPARE(axes[0].values.size(), 3U);
    QVERIFY(axes[1].values[1] == "belady");
    wish.axes[1] = {u"cache-experts"_s, u"1,2"_s};
    QVERIFY(problemOf(wish, true).contains(u"same"_s));
    QCOMPARE(problemOf(wish, false), QString());
    wish.axes[1] = {u"cache"_s, u"lru,psychic"_s};
    QVERIFY(problemOf(wish, true).contains(u"psychic"_s));
}

void WhatIfTest::aPointGoesBeforeTheScenario() {
    WhatIf wish;
    wish.settings[u"cache"_s] = u"lfu"_s;
    wish.settings[u"link"_s] = u"nvme7"_s;
    wish.axes[0] = {u"cache"_s, u"lru,lcu"_s};
    const WhatIf point = atPoint(wish, axesOf(wish), {"lcu"});
    QCOMPARE(point.settings.value(u"cache"_s), u"lcu"_s);
    QCOMPARE(point.settings.value(u"link"_s), u"nvme7"_s);
}

void WhatIfTest::theCommandLineSaysTheSame() {
    WhatIf wish;
    wish.settings[u"cache"_s] = u"lfu"_s;
    wish.settings[u"cache-experts"_s] = u"16"_s;
    wish.idealCopies = true;
    wish.axes[0] = {u"cache-experts"_s, u"8:64:8"_s};
    QCOMPARE(commandLine(wish, u"/tmp/it's a fox.moescope"_s, false),
             u"moescope-engine simulate '/tmp/it'\\''s a fox.moescope' --cache lfu --cache-experts 16 --ideal-copies"_s);
    QCOMPARE(commandLine(wish, u"/tmp/fox.moescope"_s, true),
             u"moescope-engine simulate /tmp/fox.moescope --cache lfu --ideal-copies --sweep cache-experts=8:64:8"_s);
}

void WhatIfTest::proposesTheWholeCache() {
    session::SessionInfo info;
    info.model.layers = 8;
    info.model.experts = 8;
    QCOMPARE(proposedSweep(info), (SweepWish{u"cache-experts"_s, u"8:64:8"_s}));
    info.model.layers = 1;
    info.model.experts = 4;
    QCOMPARE(proposedSweep(info), (SweepWish{u"cache-experts"_s, u"1:4:1"_s}));
}

void WhatIfTest::neverNamesAFileThatIsThere() {
    QTemporaryDir folder;
    for (const char* name : {"fox_simulated.moescope", "fox_simulated_2.moescope", "fox_simulated_3.moescope"}) {
        const QString path = freshFile(folder.path(), u"/elsewhere/fox.moescope"_s);
        QCOMPARE(path, folder.filePath(QString::fromLatin1(name)));
        QFile file(path);
        QVERIFY(file.open(QIODevice::WriteOnly));
    }
}

void WhatIfTest::asRecordedIsWhatTheSessionSays() {
    session::SessionInfo info;
    info.settings = {{"cache", "lcu"}};
    QCOMPARE(recordedValue(&info, u"cache"_s), u"lcu"_s);
    QCOMPARE(recordedValue(&info, u"gate-phase"_s), u"both"_s);
    QCOMPARE(recordedValue(nullptr, u"cache"_s), u"lru"_s);
}

QTEST_MAIN(WhatIfTest)
#include "what_if_test.moc"
