#pragma once
#include <QMap>
#include <QSize>
#include <QString>
#include <QStringList>

namespace moescope::app {

/// The command line of `moescope`.
struct GuiOptions {
    QString session; ///< to open instead of starting with the live one
    QString model;
    QString engine;         ///< empty: beside this program
    QString sessionsFolder; ///< empty: the platform's data folder
    QString panel;          ///< to show in front, by its name in saved layouts
    QString theme;          ///< "light", "dark", "system"; empty: as chosen in the window
    QString demoPicture;    ///< render the window to this PNG and exit
    QSize size{1440, 900};
    double scale = 1;
    double at = -1;                  ///< demo picture: share of the session 0..1, -1: its end
    QString ask;                     ///< a question to send once the engine is ready
    QString hostMemory;              ///< where experts wait for a GPU; empty: the engine's choice
    QMap<QString, QString> settings; ///< that the engine starts with, by name
    int traceLevel = 0;
    bool pmSampling = false;
    int threads = 0;
    bool noEngine = false;
    QString problem; ///< one sentence when the line makes no sense
    QString help;    ///< text to print and exit
    bool version = false;
};

/// Needs no application object, so that what must be set before one exists can be known.
GuiOptions parseGuiOptions(const QStringList& arguments);

} // namespace moescope::app
