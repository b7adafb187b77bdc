#pragma once
#include "engine/trace/ids.h"

#include <QString>

namespace moescope::ui::format {

/// Figures as the window writes them, in one place: MB = 10^6 bytes, a point as decimal sign, "–" for what is not defined.
QString bytes(qint64 bytes);              ///< "418 KB", "13.4 MB", "1.20 GB"
QString megabytes(double megabytes);      ///< of 10^6 bytes, three digits: "0.42 MB", "13.4 MB"
QString rate(double perSecond);           ///< three digits: "212", "48.1", "7.32"
QString bandwidth(double bytesPerSecond); ///< "3.94 GB/s"
QString share(double zeroToOne);          ///< "0.71"; negative: "–"
QString percent(double zeroToOne);        ///< "64 %"; negative: "–"
QString milliseconds(double ms);          ///< "0.9 ms", "61 µs", "1.20 s"
QString duration(trace::TimeNs time);     ///< like milliseconds, from nanoseconds
QString clock(trace::TimeNs time);        ///< "1:02.345", "12.345 s" under a minute
QString count(qint64 value);              ///< thin spaces between thousands
QString number(double value, int digits); ///< plain, with that many significant digits, no trailing zeros

} // namespace moescope::ui::format
