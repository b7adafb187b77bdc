#include "ui/format.h"

#include <algorithm>
#include <cmath>

namespace moescope::ui::format {

namespace {

const QString kUndefined = QStringLiteral("–");

/// Three significant digits, never an exponent.
QString three(double value) {
    const double size = std::abs(value);
    const int decimals = size >= 99.95 || size == 0 ? 0 : size >= 9.995 ? 1 : 2;
    return QString::number(value, 'f', decimals);
}

QString with(double value, const char* unit) {
    return three(value) + QLatin1Char(' ') + QString::fromUtf8(unit);
}

} // namespace

QString bytes(qint64 value) {
    const double size = static_cast<double>(value);
    if (std::abs(size) < 1000)
        return QString::number(value) + QStringLiteral(" B");
    if (std::abs(size) < 999.5e3)
        return with(size / 1e3, "KB");
    return std::abs(size) < 999.5e6 ? with(size / 1e6, "MB") : with(size / 1e9, "GB");
}

QString megabytes(double value) {
    return with(value, "MB");
}

QString rate(double perSecond) {
    return three(perSecond);
}

QString bandwidth(double bytesPerSecond) {
    if (bytesPerSecond <= 0)
        return kUndefined;
    return bytesPerSecond < 999.5e6 ? with(bytesPerSecond / 1e6, "MB/s") : with(bytesPerSecond / 1e9, "GB/s");
}

QString share(double zeroToOne) {
    return zeroToOne < 0 ? kUndefined : QString::number(zeroToOne, 'f', 2);
}

QString percent(double zeroToOne) {
    return zeroToOne < 0 ? kUndefined : QString::number(std::lround(zeroToOne * 100)) + QStringLiteral(" %");
}

QString milliseconds(double ms) {
    const double size = std::abs(ms);
    if (size >= 999.5)
        return with(ms / 1e3, "s");
    return size >= 0.9995 || size == 0 ? with(ms, "ms") : with(ms * 1e3, "µs");
}

QString duration(trace::TimeNs time) {
    return milliseconds(static_cast<double>(time) / 1e6);
}

QString clock(trace::TimeNs time) {
    const qint64 ms = std::max<qint64>(time, 0) / 1'000'000;
    const qint64 minutes = ms / 60'000;
    const QString seconds = QString::number(static_cast<double>(ms % 60'000) / 1e3, 'f', 3);
    if (minutes == 0)
        return seconds + QStringLiteral(" s");
    return QString::number(minutes) + QLatin1Char(':') + seconds.rightJustified(6, QLatin1Char('0'));
}

QString count(qint64 value) {
    QString digits = QString::number(std::abs(value));
    for (qsizetype at = digits.size() - 3; at > 0; at -= 3)
        digits.insert(at, QChar(0x2009));
    return value < 0 ? QLatin1Char('-') + digits : digits;
}

QString number(double value, int digits) {
    return QString::number(value, 'g', digits);
}

} // namespace moescope::ui::format
