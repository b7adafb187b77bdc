#pragma once
// What every test of a panel needs: theme, feed, selection, and a panel shown offscreen.
#include "tests/ui/support/sample_snapshot.h"
#include "ui/commands.h"
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
    static void settle() { QTest::qWait(60); }

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
