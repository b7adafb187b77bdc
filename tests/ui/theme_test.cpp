#include "ui/format.h"
#include "ui/icons.h"
#include "ui/settings_store.h"
#include "ui/theme.h"

#include <QApplication>
#include <QFile>
#include <QRegularExpression>
#include <QTemporaryDir>
#include <QTest>
#include <cmath>

using namespace Qt::StringLiterals;
using namespace moescope::ui;

namespace {

double linear(double channel) {
    return channel <= 0.04045 ? channel / 12.92 : std::pow((channel + 0.055) / 1.055, 2.4);
}

/// WCAG 2.1 relative luminance.
double luminance(const QColor& colour) {
    return 0.2126 * linear(colour.redF()) + 0.7152 * linear(colour.greenF()) + 0.0722 * linear(colour.blueF());
}

double contrast(const QColor& a, const QColor& b) {
    const double x = luminance(a);
    const double y = luminance(b);
    return (std::max(x, y) + 0.05) / (std::min(x, y) + 0.05);
}

} // namespace

class ThemeTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void coloursAreThoseOfTheDesign();
    void textCanBeRead();
    void viridisIsViridis();
    void differencesAreCentredOnZero();
    void theStyleSheetKnowsEveryMark();
    void iconsTakeTheColour();
    void figuresAreWrittenOneWay();
    void settingsComeBack();
};

void ThemeTest::coloursAreThoseOfTheDesign() {
    Theme theme(*qApp);
    theme.setMode(Theme::Mode::Dark);
    QCOMPARE(theme.colour(Theme::Role::Window).name(), u"#15171b"_s);
    QCOMPARE(theme.colour(Theme::Role::Demand).name(), u"#d55e00"_s);
    QCOMPARE(theme.colour(Theme::Role::SettingMarker).name(), u"#f0e442"_s);
    int told = 0;
    connect(&theme, &Theme::changed, this, [&told] { ++told; });
    theme.setMode(Theme::Mode::Light);
    QCOMPARE(told, 1);
    QCOMPARE(theme.colour(Theme::Role::Panel).name(), u"#ffffff"_s);
    QCOMPARE(theme.colour(Theme::Role::Muted).name(), u"#5d6670"_s);
    QCOMPARE(theme.colour(Theme::Role::SettingMarker).name(), u"#8a7a00"_s);
    QCOMPARE(qApp->palette().color(QPalette::WindowText), theme.colour(Theme::Role::Ink));
}

void ThemeTest::textCanBeRead() {
    Theme theme(*qApp);
    using Role = Theme::Role;
    for (const auto mode : {Theme::Mode::Dark, Theme::Mode::Light}) {
        theme.setMode(mode);
        for (const Role text : {Role::Ink, Role::Muted}) {
            for (const Role ground : {Role::Window, Role::Panel, Role::Inset}) {
                const double ratio = contrast(theme.colour(text), theme.colour(ground));
                QVERIFY2(ratio >= 4.5, qPrintable(u"%1"_s.arg(ratio)));
            }
        }
        // White on the button that acts: its shade is in the style sheet only.
        const auto match = QRegularExpression(u"action=\"true\"\\] \\{ background: (#[0-9a-f]{6}); color: (#[0-9a-f]{6})"_s)
                               .match(qApp->styleSheet());
        QVERIFY(match.hasMatch());
        QVERIFY(contrast(QColor(match.captured(1)), QColor(match.captured(2))) >= 4.5);
    }
}

void ThemeTest::viridisIsViridis() {
    // matplotlib 3.8: viridis(i / 4).
    const char* const kReference[] = {"#440154", "#3b528b", "#21918c", "#5ec962", "#fde725"};
    for (int i = 0; i <= 4; ++i)
        QCOMPARE(Theme::magnitude(i / 4.0), QColor(QLatin1StringView(kReference[i])));
    QCOMPARE(Theme::magnitude(-1), Theme::magnitude(0));
    QCOMPARE(Theme::magnitude(std::nan("")), Theme::magnitude(0));
    double before = -1;
    for (int i = 0; i <= 100; ++i) {
        const double now = luminance(Theme::magnitude(i / 100.0));
        QVERIFY(now > before);
        before = now;
    }
}

void ThemeTest::differencesAreCentredOnZero() {
    QVERIFY(luminance(Theme::difference(0)) > 0.9);
    QVERIFY(Theme::difference(-1).blue() > Theme::difference(-1).red());
    QVERIFY(Theme::difference(1).red() > Theme::difference(1).blue());
    for (const double side : {-0.5, 0.5})
        QVERIFY(luminance(Theme::difference(side)) < luminance(Theme::difference(0)));
}

void ThemeTest::theStyleSheetKnowsEveryMark() {
    Theme theme(*qApp);
    QVERIFY(!qApp->styleSheet().isEmpty());
    QVERIFY2(!qApp->styleSheet().contains(u'@'), qPrintable(qApp->styleSheet().section(u'@', 1, 1)));
}

void ThemeTest::iconsTakeTheColour() {
    Theme theme(*qApp);
    theme.setMode(Theme::Mode::Dark);
    const QImage image = icon(theme, u"pause"_s).pixmap(32, 32).toImage();
    QVERIFY(!image.isNull());
    int inked = 0;
    for (int y = 0; y < image.height(); ++y) {
        for (int x = 0; x < image.width(); ++x)
            inked += image.pixelColor(x, y) == theme.colour(Theme::Role::Ink) ? 1 : 0;
    }
    QVERIFY(inked > 20);
    QVERIFY(icon(theme, u"no such icon"_s).isNull());
}

void ThemeTest::figuresAreWrittenOneWay() {
    QCOMPARE(format::bytes(999), u"999 B"_s);
    QCOMPARE(format::bytes(418'000), u"418 KB"_s);
    QCOMPARE(format::bytes(13'370'000), u"13.4 MB"_s);
    QCOMPARE(format::bytes(999'600), u"1.00 MB"_s);
    QCOMPARE(format::bytes(1'200'000'000), u"1.20 GB"_s);
    QCOMPARE(format::rate(212.4), u"212"_s);
    QCOMPARE(format::rate(48.06), u"48.1"_s);
    QCOMPARE(format::rate(7.318), u"7.32"_s);
    QCOMPARE(format::share(-1), u"–"_s);
    QCOMPARE(format::share(0.714), u"0.71"_s);
    QCOMPARE(format::percent(0.636), u"64 %"_s);
    QCOMPARE(format::milliseconds(0.061), u"61.0 µs"_s);
    QCOMPARE(format::milliseconds(12.34), u"12.3 ms"_s);
    QCOMPARE(format::milliseconds(1200), u"1.20 s"_s);
    QCOMPARE(format::bandwidth(3.94e9), u"3.94 GB/s"_s);
    QCOMPARE(format::clock(62'345'000'000), u"1:02.345"_s);
    QCOMPARE(format::clock(12'345'000'000), u"12.345 s"_s);
    QCOMPARE(format::count(1'234'567), u"1\u2009234\u2009567"_s);
    QCOMPARE(format::count(-1'000), u"-1\u2009000"_s);
}

void ThemeTest::settingsComeBack() {
    QTemporaryDir folder;
    const QString file = folder.filePath(u"settings.ini"_s);
    const QString session = folder.filePath(u"a.moescope"_s);
    QFile(session).open(QIODevice::WriteOnly);
    {
        SettingsStore store(file);
        QCOMPARE(store.themeMode(), Theme::Mode::System);
        store.setThemeMode(Theme::Mode::Light);
        SamplingChoice choice;
        choice.temperature = 0.25;
        choice.seed = 99;
        choice.stop = QStringList{u"END"_s, u"."_s};
        store.setSampling(choice, u"Be brief."_s);
        QVERIFY(store.layoutPanels().contains(u"chat"_s)); // what layouts knew before they said so
        store.setWindow("geometry", "layout", {u"chat"_s, u"simulator"_s});
        store.addRecentModel(session);
        store.addRecentSession(folder.filePath(u"gone.moescope"_s));
        store.addRecentSession(session);
        store.addRecentSession(session);
    }
    SettingsStore store(file);
    QCOMPARE(store.themeMode(), Theme::Mode::Light);
    QCOMPARE(store.sampling().temperature, 0.25);
    QCOMPARE(store.sampling().seed, 99ULL);
    QCOMPARE(store.sampling().stop, (QStringList{u"END"_s, u"."_s}));
    QCOMPARE(store.systemPrompt(), u"Be brief."_s);
    QCOMPARE(store.windowLayout(), QByteArray("layout"));
    QCOMPARE(store.layoutPanels(), (QStringList{u"chat"_s, u"simulator"_s}));
    QCOMPARE(store.recentSessions(), QStringList{session});
    QCOMPARE(store.recentModels(), QStringList{session});
    store.forgetRecent();
    QVERIFY(store.recentSessions().isEmpty() && store.recentModels().isEmpty());
    QSettings(file, QSettings::IniFormat).setValue(u"window/version"_s, SettingsStore::kLayoutVersion + 1);
    QVERIFY(SettingsStore(file).windowLayout().isEmpty());
}

QTEST_MAIN(ThemeTest)
#include "theme_test.moc"
