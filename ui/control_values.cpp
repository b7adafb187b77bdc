#include "ui/control_values.h"

#include "ui/words.h"

#include <QCoreApplication>

using namespace Qt::StringLiterals;

namespace moescope::ui {

namespace {

const QString kAdapmoe = u"adapmoe"_s;

bool sameValue(const QString& a, const QString& b) {
    bool aNumber = false;
    bool bNumber = false;
    const double x = a.toDouble(&aNumber);
    const double y = b.toDouble(&bNumber);
    return aNumber && bNumber ? qFuzzyCompare(x + 1, y + 1) : a == b;
}

} // namespace

QStringList controlNames() {
    return {u"gate"_s,
            u"gate-threshold"_s,
            u"gate-layers"_s,
            u"gate-phase"_s,
            u"cache"_s,
            u"cache-weights"_s,
            u"cache-experts"_s,
            u"allocation"_s,
            u"prefetch"_s,
            u"prefetch-depth"_s,
            u"prefetch-budget-mb"_s,
            u"prefetch-spare-steps"_s,
            u"prefetch-first-layer"_s,
            u"prefetch-watch"_s,
            u"link"_s,
            u"miss-service"_s};
}

ControlValues defaultValues() {
    return {{u"gate"_s, u"topk"_s},
            {u"miss-service"_s, u"copy"_s},
            {u"gate-threshold"_s, u"0"_s},
            {u"gate-layers"_s, u"none"_s},
            {u"gate-phase"_s, u"both"_s},
            {u"cache"_s, u"lru"_s},
            {u"cache-weights"_s, u"0.25,0.5,0.25"_s},
            {u"cache-experts"_s, u"0"_s},
            {u"allocation"_s, u"uniform"_s},
            {u"prefetch"_s, u"none"_s},
            {u"prefetch-depth"_s, u"1"_s},
            {u"prefetch-budget-mb"_s, u"1"_s},
            {u"prefetch-spare-steps"_s, u"1"_s},
            {u"prefetch-first-layer"_s, u"on"_s},
            {u"prefetch-watch"_s, u"on"_s},
            {u"link"_s, u"none"_s}};
}

ControlValues valuesOf(const analysis::Snapshot& snapshot) {
    ControlValues values = defaultValues();
    for (const auto& [name, value] : snapshot.settings) {
        if (const auto found = values.find(QString::fromStdString(name)); found != values.end())
            found.value() = QString::fromStdString(value);
    }
    return values;
}

QList<ControlPreset> controlPresets() {
    return {
        {words("Plain"),
         words("Every chosen expert runs, nothing is fetched ahead: the model as it was trained"),
         {{u"gate"_s, u"topk"_s}, {u"prefetch"_s, u"none"_s}}},
        {words("AdapMoE"),
         words("Sensitivity-based gating and next-layer prefetch (arXiv 2408.10284). The threshold is found on this session's "
               "own decisions, so that a quarter of them run a single expert: 12.5 % fewer executions"),
         {{u"gate"_s, kAdapmoe}, {u"prefetch"_s, u"next-layer"_s}, {u"prefetch-depth"_s, u"2"_s}},
         true},
        {words("LRU"),
         words("Least recently used expert leaves, equal slots for every layer"),
         {{u"cache"_s, u"lru"_s}, {u"allocation"_s, u"uniform"_s}}},
        {words("HOBBIT"),
         words("The eviction that HOBBIT mixes (arXiv 2411.01433): recency, frequency in this answer, and how soon the layer's "
               "turn comes; equal slots for every layer"),
         {{u"cache"_s, u"weighted"_s}, {u"cache-weights"_s, u"0.25,0.5,0.25"_s}, {u"allocation"_s, u"uniform"_s}}},
        {words("LFU pool"),
         words("Least frequently used expert leaves, one pool of slots for all layers"),
         {{u"cache"_s, u"lfu"_s}, {u"allocation"_s, u"global"_s}}}};
}

bool matches(const ControlPreset& preset, const ControlValues& values) {
    for (auto at = preset.values.begin(); at != preset.values.end(); ++at) {
        const QString value = values.value(at.key());
        const bool family = at.value() == kAdapmoe && value.startsWith(kAdapmoe);
        if (!family && !sameValue(value, at.value()))
            return false;
    }
    return true;
}

QString commandLine(const ControlValues& values, const QString& model) {
    QStringList parts{u"moescope-engine record"_s};
    if (!model.isEmpty())
        parts << u"--model \"%1\""_s.arg(model);
    for (const QString& name : controlNames())
        parts << u"--%1 %2"_s.arg(name, values.value(name));
    return parts.join(u' ');
}

} // namespace moescope::ui
