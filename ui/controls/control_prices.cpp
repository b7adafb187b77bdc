#include "ui/controls/control_prices.h"

#include "ui/format.h"
#include "ui/words.h"

#include <QCoreApplication>
#include <QStringList>
#include <algorithm>

using namespace Qt::StringLiterals;

namespace moescope::ui {

namespace {

/// Share of the askings that the calibration saw hit with so many slots for each layer; -1 where it has no such curve.
double calibratedHitRate(const analysis::Snapshot& snapshot, int slots, const QString& cache) {
    if (!snapshot.calibration || snapshot.layers == 0)
        return -1;
    const auto curves = snapshot.calibration->hitCurves.find(cache.toStdString());
    if (curves == snapshot.calibration->hitCurves.end())
        return -1;
    const double each = static_cast<double>(slots) / snapshot.layers;
    double sum = 0;
    for (const std::vector<double>& curve : curves->second) {
        const double place = std::clamp(each, 0.0, static_cast<double>(curve.size() - 1));
        const auto low = std::min(static_cast<std::size_t>(place), curve.size() - 2);
        sum += curve[low] + (curve[low + 1] - curve[low]) * (place - static_cast<double>(low));
    }
    return sum / static_cast<double>(curves->second.size());
}

} // namespace

int expertCount(const analysis::Snapshot& snapshot) {
    return snapshot.info ? snapshot.info->model.layers * snapshot.info->model.experts : 0;
}

QString slotsPrice(const analysis::Snapshot& snapshot, int slots, const QString& cache) {
    if (!snapshot.info)
        return {};
    const qint64 each = snapshot.info->model.expertBytes;
    const int all = expertCount(snapshot);
    if (slots <= 0 || slots >= all)
        return words("%1: every expert fits, nothing leaves").arg(format::bytes(each * all));
    QString text = words("%1 of %2").arg(format::bytes(each * slots), format::bytes(each * all));
    if (snapshot.summary.hitRate >= 0)
        text += words(" · hit %1, optimum %2")
                    .arg(format::share(snapshot.summary.hitRate), format::share(snapshot.summary.optimumHitRate));
    if (const double calibrated = calibratedHitRate(snapshot, slots, cache); calibrated >= 0)
        text += words(" · calibration %1").arg(format::share(calibrated));
    return text;
}

QString prefetchPrice(const analysis::Snapshot& snapshot) {
    QStringList parts;
    const analysis::Summary& summary = snapshot.summary;
    if (summary.prefetchRecall >= 0)
        parts << words("recall %1").arg(format::share(summary.prefetchRecall));
    if (summary.prefetchPrecision >= 0)
        parts << words("precision %1").arg(format::share(summary.prefetchPrecision));
    if (summary.prefetchHiddenMsPerToken > 0)
        parts << words("hides %1").arg(format::milliseconds(summary.prefetchHiddenMsPerToken));
    if (summary.bytesPrefetch > 0 && summary.tokens > 0)
        parts << words("%1 per token").arg(format::bytes(summary.bytesPrefetch / summary.tokens));
    return parts.join(u" · "_s);
}

QString linkPrice(const analysis::Snapshot& snapshot) {
    const analysis::Summary& summary = snapshot.summary;
    QStringList parts;
    if (summary.emulated)
        parts << words("emulated");
    if (summary.tokens > 0) {
        parts << words("%1 per token").arg(format::megabytes(summary.mbPerToken));
        parts << words("stall %1").arg(format::milliseconds(summary.stallMsPerToken));
    }
    return parts.join(u" · "_s);
}

} // namespace moescope::ui
