#pragma once
#include "profiler/analysis/snapshot.h"

#include <QMap>
#include <QString>
#include <QStringList>

namespace moescope::ui {

/// Settings by name (those of the command line, without "--"), as text. Pure functions around them.
using ControlValues = QMap<QString, QString>;

/// In the order of the command line.
QStringList controlNames();
/// What is in force at the snapshot's cursor; what it does not say has the program's default.
ControlValues valuesOf(const analysis::Snapshot& snapshot);
ControlValues defaultValues();

struct ControlPreset {
    QString name;
    QString tip;
    ControlValues values; ///< only what it sets
    /// The gate, of adapmoe's family, and its threshold are found on the session's own decisions.
    bool byShare = false;
};
QList<ControlPreset> controlPresets();
/// Whether everything that the preset sets is in force.
bool matches(const ControlPreset& preset, const ControlValues& values);

/// A command line that runs the model with these settings.
QString commandLine(const ControlValues& values, const QString& model);

} // namespace moescope::ui
