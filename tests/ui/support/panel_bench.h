#pragma once
// What every test of a panel needs: theme, feed, selection, and a panel shown offscreen.
#include "tests/ui/support/sample_snapshot.h"
#include "ui/commands.h"
#include "ui/plot/refresh_pacer.h"
#include "ui/selection.h"
#include "ui/session_feed.h"
#include "ui/theme.h"

#include <QApplication>
#include <QDir>
#include <QTest>
#include <QWidget>

namespace moescope::ui::test {

/// Owns the world around a panel. Make it after QApplication.
struct PanelBench {
    PanelBench() : theme(*qApp) { theme.setMode(Theme::Mode::Dark); }

    Theme theme;
    SessionFeed feed;
    Selection selection;
    Commands commands;

    /// Shows the panel as large and lets it draw.
    static void present(QWidget& panel, const QSize& size) {
        panel.resize(size);
        panel.show();
        QVERIFY(QTest::qWaitForWindowExposed(&panel));
        settle();
    }
    /// Until every visible plot has drawn what it was told.
    static void settle() {
        QTest::qWait(20);
        const auto drawn = [] {
            for (const QWidget* window : QApplication::topLevelWidgets())
                for (const RefreshPacer* pacer : window->findChildren<RefreshPacer*>())
                    if (pacer->waiting())
                        return false;
            return true;
        };
        QVERIFY(QTest::qWaitFor(drawn, 20'000));
        QCoreApplication::processEvents();
    }

    /// Writes a picture of the panel in both themes when MOESCOPE_PICTURES names a folder.
    void picture(QWidget& panel, const QString& name) {
        const QString folder = qEnvironmentVariable("MOESCOPE_PICTURES");
        if (folder.isEmpty())
            return;
        QDir().mkpath(folder);
        for (const auto mode : {Theme::Mode::Light, Theme::Mode::Dark}) {
            theme.setMode(mode);
            settle();
            panel.grab().save(QStringLiteral("%1/%2-%3.png")
                                  .arg(folder, name, theme.dark() ? QStringLiteral("dark") : QStringLiteral("light")));
        }
    }
};

/// How many pixels of the picture have exactly that colour.
inline int countColour(const QImage& image, const QColor& colour) {
    int count = 0;
    for (int y = 0; y < image.height(); ++y)
        for (int x = 0; x < image.width(); ++x)
            count += image.pixelColor(x, y).rgb() == colour.rgb() ? 1 : 0;
    return count;
}

} // namespace moescope::ui::test
