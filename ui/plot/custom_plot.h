#pragma once
// QCustomPlot, whose header is written with Qt's keywords; the rest of the program does without them (see ui/CMakeLists.txt).
#include <QObject>

#define signals Q_SIGNALS
#define slots Q_SLOTS
#define emit Q_EMIT
#define foreach Q_FOREACH
#include <qcustomplot.h>
#undef signals
#undef slots
#undef emit
#undef foreach
