#pragma once
#include "profiler/session/session_info.h"

#include <QDateTime>
#include <QList>
#include <QString>

namespace moescope::ui {

/// One file of the sessions folder, as the list shows it. A value.
struct SessionEntry {
    QString path;
    bool sample = false;
    qint64 bytes = 0;
    QDateTime modified;
    QString model;
    QString created; ///< local time
    QString link;
    bool emulated = false; ///< its transfer times were modelled, not measured
    bool finished = false;
    qint64 tokens = 0;
    qint64 events = 0;
    qint64 durationNs = 0;
    QString origin;  ///< "recorded", "simulated", "imported"
    QString problem; ///< why it cannot be opened; else empty
    friend bool operator==(const SessionEntry&, const SessionEntry&) = default;
};

/// Reads what the list needs from every .moescope file of a folder, newest first. Opens each read-only; takes a while: not for
/// the GUI thread. A file that cannot be opened gets an entry with its problem. `known` spares the files that did not change.
QList<SessionEntry> scanSessions(const QString& folder, bool samples, const QList<SessionEntry>& known);
SessionEntry readEntry(const QString& path, bool sample);

} // namespace moescope::ui
