#include "ui/controls/control_prices.h"

#include "ui/format.h"

#include <QCoreApplication>
#include <QStringList>

using namespace Qt::StringLiterals;

namespace moescope::ui {

namespace {

QString words(const char* text) {
    return QCoreApplication::translate("moescope::ui::Controls", text);
}

int keptBy(const analysis::ChoiceRecord& choice, double threshold, double sensitivity) {
    int kept = choice.candidates;
    double total = 0;
    for (int i = 0; i < kept; ++i)
        total += static_cast<double>(trace::fromHalf(choice.weights[static_cast<std::size_t>(i)]));
    double dropped = 0;
    while (kept > 1 && total > 0 && threshold > 0) {
        dropped += static_cast<double>(trace::fromHalf(choice.weights[static_cast<std::size_t>(kept - 1)])) / total;
        if (dropped * dropped * sensitivity > threshold)
            break;
        --kept;
    }
    return kept;
}

} // namespace

double expectedExperts(const analysis::Snapshot& snapshot, double threshold, const std::vector<double>& sensitivity,
                       std::size_t decisions) {
    const auto layers = static_cast<std::size_t>(snapshot.layers);
    if (layers == 0 || sensitivity.size() < layers)
        return -1;
    std::int64_t kept = 0;
    std::int64_t seen = 0;
    for (std::size_t i = snapshot.choices.size(); i > 0 && static_cast<std::size_t>(seen) < decisions; --i) {
        const analysis::ChoiceRecord& choice = snapshot.choices[i - 1];
        if (choice.candidates == 0 || choice.phase != trace::Phase::Decode)
            continue;
        kept += keptBy(choice, threshold, sensitivity[(i - 1) % layers]);
        ++seen;
    }
    return seen > 0 ? static_cast<double>(kept) / static_cast<double>(seen) : -1;
}

int expertCount(const analysis::Snapshot& snapshot) {
    return snapshot.info ? snapshot.info->model.layers * snapshot.info->model.experts : 0;
}

QString slotsPrice(const analysis::Snapshot& snapshot, int slots) {
    if (!snapshot.info)
        return {};
    const qint64 each = snapshot.info->model.expertBytes;
    const int all = expertCount(snapshot);
    QString text = words("%1 of %2").arg(format::bytes(each * (slots > 0 ? slots : all)), format::bytes(each * all));
    if (snapshot.summary.hitRate >= 0)
        text += words(" · hit %1, optimum %2")
                    .arg(format::share(snapshot.summary.hitRate), format::share(snapshot.summary.optimumHitRate));
    return text;
}

QString prefetchPrice(const analysis::Snapshot& snapshot) {
    QStringList parts;
    const analysis::Summary& summary = snapshot.summary;
    if (summary.prefetchRecall >= 0)
        parts << words("recall %1").arg(format::share(summary.prefetchRecall));
    if (summary.prefetchPrecision >= 0)
        parts << words("precision %1").arg(format::share(summary.prefetchPrecision));
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
