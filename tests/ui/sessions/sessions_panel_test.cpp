#include "profiler/session/session_writer.h"
#include "tests/support/synthetic_run.h"
#include "tests/ui/support/panel_bench.h"
#include "ui/sessions/sessions_model.h"
#include "ui/sessions/sessions_panel.h"

#include <QAbstractItemModelTester>
#include <QPushButton>
#include <QSignalSpy>
#include <QTableView>
#include <QTemporaryDir>

using namespace Qt::StringLiterals;
using namespace moescope;
using namespace moescope::ui;
using namespace moescope::ui::test;

namespace {

/// A real file with about so many events; returns how many tokens it holds.
qint64 writeSession(const QString& path, std::size_t events, bool finish) {
    moescope::test::SyntheticRun run({});
    session::SessionInfo info = run.info();
    info.model.name = "tales-moe";
    info.createdUtc = "2025-03-01T10:00:00Z";
    info.settings = {{"link", "pcie3x4"}};
    session::SessionWriter writer(path.toStdString(), info);
    const session::Batch batch = run.batch(1, 1, events);
    writer.write(batch);
    if (finish)
        writer.finish(batch.committedAt, 0);
    qint64 tokens = 0;
    for (const session::Record& record : batch.records)
        tokens += std::holds_alternative<trace::TokenEmitted>(record.event) ? 1 : 0;
    return tokens;
}

struct SessionsBench : PanelBench {
    SessionsBench() : panel(feed, selection, theme) { present(panel, {760, 240}); }
    bool waitForRows(int rows) {
        return QTest::qWaitFor([&] { return panel.model().rowCount() == rows; }, 5000);
    }
    QPushButton* button(const QString& text) {
        for (QPushButton* button : panel.findChildren<QPushButton*>()) {
            if (button->text() == text)
                return button;
        }
        return nullptr;
    }

    QTemporaryDir folder;
    SessionsPanel panel;
};

} // namespace

class SessionsPanelTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void listsWhatTheFilesSay();
    void theModelKeepsItsPromises();
    void samplesStandOnTopAndStay();
    void opensVerifiesAndRenames();
    void newFilesAppear();
    void looks();
};

void SessionsPanelTest::listsWhatTheFilesSay() {
    SessionsBench bench;
    const QString path = bench.folder.filePath(u"fox.moescope"_s);
    const qint64 tokens = writeSession(path, 2000, true);
    QFile broken(bench.folder.filePath(u"broken.moescope"_s));
    QVERIFY(broken.open(QIODevice::WriteOnly));
    broken.write("this is no session");
    broken.close();
    bench.panel.setFolders(bench.folder.path(), {});
    QVERIFY(bench.waitForRows(2));
    int sound = 0;
    for (const SessionEntry& entry : bench.panel.model().entries()) {
        if (entry.path != path) {
            QVERIFY(!entry.problem.isEmpty());
            continue;
        }
        ++sound;
        QCOMPARE(entry.tokens, tokens);
        QVERIFY(tokens > 5);
        QCOMPARE(entry.model, u"tales-moe"_s);
        QVERIFY(entry.finished);
        QVERIFY(entry.emulated);
        QCOMPARE(entry.bytes, QFileInfo(path).size());
    }
    QCOMPARE(sound, 1);
}

void SessionsPanelTest::theModelKeepsItsPromises() {
    SessionsModel model;
    QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
    SessionEntry entry;
    entry.path = u"/sessions/a.moescope"_s;
    entry.tokens = 1234;
    entry.finished = true;
    entry.origin = u"recorded"_s;
    model.setEntries({entry});
    QCOMPARE(model.data(model.index(0, SessionsModel::Name), Qt::DisplayRole).toString(), u"a"_s);
    QCOMPARE(model.data(model.index(0, SessionsModel::Tokens), SessionsModel::SortRole).toLongLong(), 1234);
    QCOMPARE(model.data(model.index(0, SessionsModel::Kind), Qt::DisplayRole).toString(), u"recorded"_s);
    model.setCurrent({}, entry.path);
    QCOMPARE(model.data(model.index(0, SessionsModel::Kind), Qt::DisplayRole).toString(), u"recording now"_s);
    model.setEntries({});
    QCOMPARE(model.rowCount(), 0);
}

void SessionsPanelTest::samplesStandOnTopAndStay() {
    SessionsBench bench;
    QTemporaryDir samples;
    writeSession(samples.filePath(u"zebra.moescope"_s), 300, true);
    writeSession(bench.folder.filePath(u"aardvark.moescope"_s), 300, true);
    bench.panel.setFolders(bench.folder.path(), samples.path());
    QVERIFY(bench.waitForRows(2));
    const auto name = [&](int row) { return bench.panel.table().model()->index(row, 0).data().toString(); };
    QCOMPARE(name(0), u"zebra"_s);
    bench.panel.table().selectRow(0);
    QVERIFY(bench.button(u"Open"_s)->isEnabled());
    QVERIFY(!bench.button(u"Move to trash"_s)->isEnabled());
    bench.panel.table().selectRow(1);
    QVERIFY(bench.button(u"Move to trash"_s)->isEnabled());
}

void SessionsPanelTest::opensVerifiesAndRenames() {
    SessionsBench bench;
    const QString path = bench.folder.filePath(u"fox.moescope"_s);
    writeSession(path, 500, true);
    bench.panel.setFolders(bench.folder.path(), {});
    QVERIFY(bench.waitForRows(1));
    QSignalSpy opens(&bench.panel, &SessionsPanel::openRequested);
    QSignalSpy messages(&bench.panel, &SessionsPanel::messageRaised);
    bench.panel.table().selectRow(0);
    bench.panel.table().setFocus();
    QTest::keyClick(&bench.panel.table(), Qt::Key_Return);
    QCOMPARE(opens.size(), 1);
    QCOMPARE(opens[0][0].toString(), path);
    QTest::mouseClick(bench.button(u"Verify"_s), Qt::LeftButton);
    QVERIFY(QTest::qWaitFor([&] { return messages.size() == 1; }, 5000));
    QCOMPARE(messages[0][0].toString(), u"fox.moescope is sound."_s);
    QVERIFY(!SessionsPanel::renameSession(path, u"a/b"_s).isEmpty());
    QCOMPARE(SessionsPanel::renameSession(path, u"moon"_s), QString());
    QVERIFY(QFile::exists(bench.folder.filePath(u"moon.moescope"_s)));
    QVERIFY(!QFile::exists(path));
    writeSession(path, 100, true);
    QVERIFY(SessionsPanel::renameSession(path, u"moon"_s).contains(u"exists"_s));
}

void SessionsPanelTest::newFilesAppear() {
    SessionsBench bench;
    bench.panel.setFolders(bench.folder.path(), {});
    QVERIFY(bench.waitForRows(0));
    writeSession(bench.folder.filePath(u"new.moescope"_s), 100, true);
    QVERIFY(bench.waitForRows(1));
    QFile::remove(bench.folder.filePath(u"new.moescope"_s));
    QVERIFY(bench.waitForRows(0));
}

void SessionsPanelTest::looks() {
    SessionsBench bench;
    bench.picture(bench.panel, u"sessions-empty"_s);
    writeSession(bench.folder.filePath(u"fox-and-moon.moescope"_s), 2000, true);
    writeSession(bench.folder.filePath(u"killed.moescope"_s), 500, false);
    bench.panel.setFolders(bench.folder.path(), {});
    QVERIFY(bench.waitForRows(2));
    bench.picture(bench.panel, u"sessions"_s);
}

QTEST_MAIN(SessionsPanelTest)
#include "sessions_panel_test.moc"
