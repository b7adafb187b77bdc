#pragma once
#include "profiler/session/session_info.h"
#include "profiler/simulate/sweep.h"

#include <QMap>
#include <QString>
#include <array>

namespace moescope::ui {

/// One axis of a sweep as typed: a setting and "8:64:8" or "lru,lfu"; no setting = no axis.
struct SweepWish {
    QString setting;
    QString values;
    friend bool operator==(const SweepWish&, const SweepWish&) = default;
};

/// What the user asks of the simulator, as the editor holds it. A value; the functions around it are pure.
struct WhatIf {
    QMap<QString, QString> settings; ///< by name; what is missing happens as recorded
    QString calibration;             ///< a file; empty: the sensitivities in the session
    bool idealCopies = false;
    std::array<SweepWish, 2> axes;
    friend bool operator==(const WhatIf&, const WhatIf&) = default;
};

/// Throws std::invalid_argument with one sentence naming setting and value.
simulate::Scenario scenarioOf(const WhatIf& wish);
/// Throws std::invalid_argument with one sentence: an axis cannot be, both are the same, or there is none.
std::vector<simulate::SweepAxis> axesOf(const WhatIf& wish);
/// Why it cannot be simulated (or swept), as one sentence; empty if it can be tried.
QString problemOf(const WhatIf& wish, bool sweep);

/// The wish with the values of one point of its sweep.
WhatIf atPoint(WhatIf wish, const std::vector<simulate::SweepAxis>& axes, const std::vector<std::string>& values);
/// A sweep worth beginning with: the cache from an eighth to all experts of the model.
SweepWish proposedSweep(const session::SessionInfo& info);
/// What the session ran with when it began; the program's default where it does not say.
QString recordedValue(const session::SessionInfo* info, const QString& setting);

/// The same as a command line of moescope-engine, for a shell.
QString commandLine(const WhatIf& wish, const QString& session, bool sweep);
/// Where a simulation of this session goes: a new file in the folder, beside what is there already.
QString freshFile(const QString& folder, const QString& session);

} // namespace moescope::ui
