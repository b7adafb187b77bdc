#include "ui/format.h"
#include "ui/gate_estimate.h"
#include "ui/stats/stats_model.h"

#include <algorithm>

namespace moescope::ui {
namespace {

using analysis::Snapshot;
using analysis::Summary;

std::string settingOf(const Snapshot& snapshot, std::string_view name) {
    for (const auto& [key, value] : snapshot.settings)
        if (key == name)
            return value;
    return {};
}

/// Collects lines; each call names, shows and explains one figure.
class Lines {
public:
    void group(const QString& name) { m_lines.push_back({name, {}, {}, {}, true, false}); }
    void share(const QString& name, double value, const QString& meaning) {
        m_lines.push_back({name, format::percent(value), value < 0 ? QVariant() : QVariant(value), meaning, false, false});
    }
    void ratio(const QString& name, double value, const QString& meaning) {
        m_lines.push_back({name, format::share(value), value < 0 ? QVariant() : QVariant(value), meaning, false, false});
    }
    void count(const QString& name, std::int64_t value, const QString& meaning) {
        m_lines.push_back({name, format::count(value), static_cast<qlonglong>(value), meaning, false, false});
    }
    void bytes(const QString& name, std::int64_t value, const QString& meaning) {
        m_lines.push_back({name, format::bytes(value), static_cast<qlonglong>(value), meaning, false, false});
    }
    void milliseconds(const QString& name, double value, const QString& meaning) {
        m_lines.push_back({name, format::milliseconds(value), value, meaning, false, false});
    }
    void text(const QString& name, const QString& text, const QVariant& raw, const QString& meaning, bool warning = false) {
        m_lines.push_back({name, text, raw, meaning, false, warning});
    }
    std::vector<StatsLine> take() { return std::move(m_lines); }

private:
    std::vector<StatsLine> m_lines;
};

QString tr(const char* text) {
    return QObject::tr(text);
}

void addSpeed(Lines& lines, const Summary& s) {
    lines.group(tr("Speed"));
    lines.text(tr("decode"), tr("%1 tok/s").arg(format::rate(s.decodeTokensPerSecond)), s.decodeTokensPerSecond,
               tr("Tokens emitted after the first of each answer, over the time from the first to the last"));
    lines.milliseconds(tr("time to first token"), s.ttftMs,
                       tr("Median over the answers, from the prompt to the first token (TTFT)"));
    lines.milliseconds(tr("time per token, median"), s.tpotP50Ms, tr("Between two tokens of an answer (TPOT, p50)"));
    lines.milliseconds(tr("time per token, 95th percentile"), s.tpotP95Ms, tr("19 of 20 tokens came faster (TPOT, p95)"));
    lines.milliseconds(tr("exposed stall per token"), s.stallMsPerToken,
                       tr("Time that compute waited for experts, per decoded token"));
    lines.count(tr("tokens"), s.tokens, tr("Tokens generated"));
    lines.count(tr("prompt tokens"), s.promptTokens, tr("Tokens read from prompts"));
}

void addCache(Lines& lines, const Snapshot& snapshot) {
    const Summary& s = snapshot.summary;
    lines.group(tr("Expert cache"));
    lines.ratio(tr("hit rate"), s.hitRate, tr("Experts resident when asked for / experts asked for"));
    lines.ratio(tr("optimum hit rate"), s.optimumHitRate, tr("Belady's offline optimum: same accesses, same slots"));
    lines.count(tr("hits"), s.hits, tr("Experts that were resident when asked for"));
    lines.count(tr("misses"), s.misses, tr("Experts that had to be fetched when asked for"));
    lines.count(tr("evictions"), s.evictions, tr("Experts that lost their slot"));
    const int all = snapshot.layers * snapshot.experts;
    lines.text(tr("slots"), tr("%1 of %2").arg(snapshot.slotsTotal).arg(all), snapshot.slotsTotal,
               tr("Experts that fit in the cache, of all experts of the model"));
    lines.share(tr("working set"), s.workingSetShare, tr("Experts used at least once, of all experts"));
    if (const QString trap = cacheTrap(snapshot); !trap.isEmpty())
        lines.text(tr("global LRU collapses"), tr("too few slots"), true, trap, true);
}

void addLink(Lines& lines, const Snapshot& snapshot) {
    const Summary& s = snapshot.summary;
    lines.group(s.emulated ? tr("Link (emulated: %1)").arg(QString::fromStdString(s.link)) : tr("Link"));
    lines.text(tr("moved per token"), format::megabytes(s.mbPerToken), s.mbPerToken,
               tr("10⁶ bytes over the link per decoded token"));
    lines.text(tr("speed while busy"), format::bandwidth(s.linkBytesPerSecond), s.linkBytesPerSecond,
               tr("Bytes moved / time in which at least one transfer ran"));
    lines.share(tr("utilisation"), s.linkUtilisation, tr("Time in which the link was busy / time of the passes"));
    lines.share(tr("overlap"), s.overlapShare, tr("Transfer time that compute did not have to wait for"));
    lines.bytes(tr("bytes, demand"), s.bytesDemand, tr("Fetched because a token needed the expert at once"));
    lines.bytes(tr("bytes, prefetch"), s.bytesPrefetch, tr("Fetched on a guess"));
    lines.bytes(tr("bytes, allocation"), s.bytesAllocation, tr("Fetched because the cache's shape changed"));
    lines.text(tr("bytes, unattributed"), format::bytes(s.bytesUnattributed), static_cast<qlonglong>(s.bytesUnattributed),
               tr("Moved, but no token, layer or expert is known for them"), s.bytesUnattributed > 0);
}

void addPrefetch(Lines& lines, const Summary& s) {
    lines.group(tr("Prefetch"));
    lines.share(tr("recall"), s.prefetchRecall,
                tr("Of the experts that a layer chose, the share that the layer before had predicted"));
    lines.share(tr("precision"), s.prefetchPrecision, tr("Of the prefetched experts, the share used before eviction"));
    lines.count(tr("issued"), s.prefetchIssued, tr("Prefetches queued"));
    lines.count(tr("used"), s.prefetchUsed, tr("Prefetched experts that a token then used"));
    lines.bytes(tr("useful bytes"), s.bytesPrefetchUsed, tr("Of the prefetched bytes, those used before eviction"));
    lines.bytes(tr("wasted bytes"), s.bytesPrefetchWasted,
                tr("Of the prefetched bytes, those evicted unused or broken off; the rest is not decided yet"));
    lines.milliseconds(tr("hidden per token"), s.prefetchHiddenMsPerToken,
                       tr("Copies of used guesses that were over when their layer asked, per decoded token"));
}

void addRouting(Lines& lines, const Snapshot& snapshot) {
    const Summary& s = snapshot.summary;
    lines.group(tr("Routing and gating"));
    lines.text(tr("experts per token and layer"), QString::number(s.meanExpertsPerTokenLayer, 'f', 2),
               s.meanExpertsPerTokenLayer, tr("Experts that ran, mean over decoded tokens and layers"));
    lines.share(tr("single-expert decisions"), s.singleExpertShare,
                tr("Decisions that ran one expert though there were more candidates"));
    const int topK = snapshot.info ? snapshot.info->model.topK : 0;
    const double mean = s.meanExpertsPerTokenLayer;
    lines.share(tr("fewer executions"), topK > 0 && mean > 0 ? std::max(0.0, 1 - mean / topK) : -1,
                tr("Cut in expert executions against the model's top-k; a single-expert share of 25 % is only 12.5 % fewer"));
    lines.text(tr("gate entropy"), tr("%1 nats").arg(QString::number(s.gateEntropy, 'f', 2)), s.gateEntropy,
               tr("Of the router's softmax over all experts, mean over decode decisions"));
    lines.text(tr("experts for 90 %"), QString::number(s.expertsFor90, 'f', 1), s.expertsFor90,
               tr("How many experts of a layer take 90 % of its choices, mean over layers"));
    lines.count(tr("experts chosen"), s.expertChoices, tr("Candidates of the router, decode and prefill"));
    lines.count(tr("experts run"), s.expertExecutions, tr("Those that gating kept"));
}

void addQuality(Lines& lines, const Snapshot& snapshot) {
    const auto cost = costInForce(snapshot);
    if (!cost)
        return;
    const policy::GateCosts& costs = snapshot.calibration->costs;
    lines.group(tr("Quality at the gate in force, as calibrated"));
    lines.text(tr("KL to the whole top-k"), format::number(cost->meanKl, 3), cost->meanKl,
               tr("Nats per token, measured on %1 (%2 tokens), not on this session")
                   .arg(QString::fromStdString(costs.text), format::count(costs.tokens)));
    lines.text(tr("perplexity"), tr("× %1").arg(QString::number(cost->perplexityRatio, 'f', 4)), cost->perplexityRatio,
               tr("Against the model with its whole top-k, on the same text"));
    if (const QString words = costWords(*cost, costs); !words.isEmpty())
        lines.text(tr("as a quantisation loss"), words, words,
                   tr("On the scale of number formats, measured on the same model"));
}

void addRecording(Lines& lines, const Snapshot& snapshot) {
    const Summary& s = snapshot.summary;
    lines.group(tr("Recording"));
    lines.count(tr("events"), s.events, tr("Events up to the cursor"));
    lines.text(tr("events lost"), format::count(s.eventsLost), static_cast<qlonglong>(s.eventsLost),
               tr("Events that a full buffer could not take; they are missing from all figures"), s.eventsLost > 0);
    lines.bytes(tr("engine's memory"), s.hostResidentBytes, tr("Resident memory of the recording process, last sample"));
    if (snapshot.info && snapshot.info->origin != session::Origin::Recorded)
        lines.text(tr("origin"), snapshot.info->origin == session::Origin::Simulated ? tr("simulated") : tr("imported"),
                   static_cast<int>(snapshot.info->origin), tr("These figures were computed or translated, not measured here"),
                   true);
}

} // namespace

QString cacheTrap(const Snapshot& snapshot) {
    const int topK = snapshot.info ? snapshot.info->model.topK : 0;
    const int perToken = snapshot.layers * topK;
    const bool global = settingOf(snapshot, "allocation") == "global" && settingOf(snapshot, "cache") == "lru";
    if (!global || snapshot.slotsTotal <= 0 || snapshot.slotsTotal >= perToken)
        return {};
    return QObject::tr(
               "One token touches up to %1 experts (%2 layers × %3), but the shared pool has %4 slots: least-recently-used "
               "then evicts each expert before its layer comes round again. Give it %1 slots or more, or share the slots "
               "out per layer (allocation uniform).")
        .arg(perToken)
        .arg(snapshot.layers)
        .arg(topK)
        .arg(snapshot.slotsTotal);
}

std::vector<StatsLine> statsLines(const Snapshot& snapshot) {
    Lines lines;
    addSpeed(lines, snapshot.summary);
    addCache(lines, snapshot);
    addLink(lines, snapshot);
    addPrefetch(lines, snapshot.summary);
    addRouting(lines, snapshot);
    addQuality(lines, snapshot);
    addRecording(lines, snapshot);
    return lines.take();
}

} // namespace moescope::ui
