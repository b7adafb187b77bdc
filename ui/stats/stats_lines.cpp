#include "profiler/analysis/pool_collapse.h"
#include "ui/format.h"
#include "ui/gate_estimate.h"
#include "ui/stats/stats_model.h"
#include "ui/words.h"

#include <algorithm>
#include <cmath>

namespace moescope::ui {
namespace {

using analysis::Snapshot;
using analysis::Summary;

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

void addSpeed(Lines& lines, const Summary& s) {
    lines.group(words("Speed"));
    lines.text(words("decode"), words("%1 tok/s").arg(format::rate(s.decodeTokensPerSecond)), s.decodeTokensPerSecond,
               words("Tokens emitted after the first of each answer, over the time from the first to the last"));
    lines.milliseconds(words("time to first token"), s.ttftMs,
                       words("Median over the answers, from the prompt to the first token (TTFT)"));
    lines.milliseconds(words("time per token, median"), s.tpotP50Ms, words("Between two tokens of an answer (TPOT, p50)"));
    lines.milliseconds(words("time per token, 95th percentile"), s.tpotP95Ms, words("19 of 20 tokens came faster (TPOT, p95)"));
    lines.milliseconds(words("exposed stall per token"), s.stallMsPerToken,
                       words("Time that compute waited for experts, per decoded token"));
    lines.count(words("tokens"), s.tokens, words("Tokens generated"));
    lines.count(words("prompt tokens"), s.promptTokens, words("Tokens read from prompts"));
}

void addCache(Lines& lines, const Snapshot& snapshot) {
    const Summary& s = snapshot.summary;
    lines.group(words("Expert cache"));
    lines.ratio(words("hit rate"), s.hitRate, words("Experts resident when asked for / experts asked for"));
    lines.ratio(words("optimum hit rate"), s.optimumHitRate, words("Belady's offline optimum: same accesses, same slots"));
    lines.count(words("hits"), s.hits, words("Experts that were resident when asked for"));
    lines.count(words("misses"), s.misses, words("Experts that had to be fetched when asked for"));
    lines.count(words("evictions"), s.evictions, words("Experts that lost their slot"));
    const int all = snapshot.layers * snapshot.experts;
    lines.text(words("slots"), words("%1 of %2").arg(snapshot.slotsTotal).arg(all), snapshot.slotsTotal,
               words("Experts that fit in the cache, of all experts of the model"));
    lines.share(words("working set"), s.workingSetShare, words("Experts used at least once, of all experts"));
    if (const QString trap = cacheTrap(snapshot); !trap.isEmpty())
        lines.text(words("global LRU collapses"), words("too few slots"), true, trap, true);
}

void addLink(Lines& lines, const Snapshot& snapshot) {
    const Summary& s = snapshot.summary;
    lines.group(s.emulated ? words("Link (emulated: %1)").arg(QString::fromStdString(s.link)) : words("Link"));
    lines.text(words("moved per token"), format::megabytes(s.mbPerToken), s.mbPerToken,
               words("10⁶ bytes over the link per decoded token"));
    lines.text(words("speed while busy"), format::bandwidth(s.linkBytesPerSecond), s.linkBytesPerSecond,
               words("Bytes moved / time in which at least one transfer ran"));
    lines.share(words("utilisation"), s.linkUtilisation, words("Time in which the link was busy / time of the passes"));
    lines.share(words("overlap"), s.overlapShare, words("Transfer time that compute did not have to wait for"));
    lines.bytes(words("bytes, demand"), s.bytesDemand, words("Fetched because a token needed the expert at once"));
    lines.bytes(words("bytes, prefetch"), s.bytesPrefetch, words("Fetched on a guess"));
    lines.bytes(words("bytes, allocation"), s.bytesAllocation, words("Fetched because the cache's shape changed"));
    lines.text(words("bytes, unattributed"), format::bytes(s.bytesUnattributed), static_cast<qlonglong>(s.bytesUnattributed),
               words("Moved, but no token, layer or expert is known for them"), s.bytesUnattributed > 0);
}

void addPrefetch(Lines& lines, const Summary& s) {
    lines.group(words("Prefetch"));
    lines.share(words("recall"), s.prefetchRecall,
                words("Of the experts that a layer chose, the share that the layer before had predicted"));
    lines.share(words("precision"), s.prefetchPrecision, words("Of the prefetched experts, the share used before eviction"));
    lines.count(words("issued"), s.prefetchIssued, words("Prefetches queued"));
    lines.count(words("used"), s.prefetchUsed, words("Prefetched experts that a token then used"));
    lines.bytes(words("useful bytes"), s.bytesPrefetchUsed, words("Of the prefetched bytes, those used before eviction"));
    lines.bytes(words("wasted bytes"), s.bytesPrefetchWasted,
                words("Of the prefetched bytes, those evicted unused or broken off; the rest is not decided yet"));
    lines.milliseconds(words("hidden per token"), s.prefetchHiddenMsPerToken,
                       words("Copies of used guesses that were over when their layer asked, per decoded token"));
}

void addRouting(Lines& lines, const Snapshot& snapshot) {
    const Summary& s = snapshot.summary;
    lines.group(words("Routing and gating"));
    lines.text(words("experts per token and layer"), QString::number(s.meanExpertsPerTokenLayer, 'f', 2),
               s.meanExpertsPerTokenLayer, words("Experts that ran, mean over decoded tokens and layers"));
    lines.share(words("single-expert decisions"), s.singleExpertShare,
                words("Decisions that ran one expert though there were more candidates"));
    const int topK = snapshot.info ? snapshot.info->model.topK : 0;
    const double mean = s.meanExpertsPerTokenLayer;
    lines.share(
        words("fewer executions"), topK > 0 && mean > 0 ? std::max(0.0, 1 - mean / topK) : -1,
        words("Cut in expert executions against the model's top-k; a single-expert share of 25 % is only 12.5 % fewer"));
    lines.text(words("gate entropy"), words("%1 nats").arg(QString::number(s.gateEntropy, 'f', 2)), s.gateEntropy,
               words("Of the router's softmax over all experts, mean over decode decisions"));
    lines.text(words("experts for 90 %"), QString::number(s.expertsFor90, 'f', 1), s.expertsFor90,
               words("How many experts of a layer take 90 % of its choices, mean over layers"));
    lines.count(words("experts chosen"), s.expertChoices, words("Candidates of the router, decode and prefill"));
    lines.count(words("experts run"), s.expertExecutions, words("Those that gating kept"));
}

void addQuality(Lines& lines, const Snapshot& snapshot) {
    const auto cost = costInForce(snapshot);
    if (!cost)
        return;
    const policy::GateCosts& costs = snapshot.calibration->costs;
    lines.group(words("Quality at the gate in force, as calibrated"));
    lines.text(words("KL to the whole top-k"), format::number(cost->meanKl, 3), cost->meanKl,
               words("Nats per token, measured on %1 (%2 tokens), not on this session")
                   .arg(QString::fromStdString(costs.text), format::count(costs.tokens)));
    lines.text(words("perplexity"), words("× %1").arg(QString::number(cost->perplexityRatio, 'f', 4)), cost->perplexityRatio,
               words("Against the model with its whole top-k, on the same text"));
    if (const QString scale = costWords(*cost, costs); !scale.isEmpty())
        lines.text(words("as a quantisation loss"), scale, scale,
                   words("On the scale of number formats, measured on the same model"));
}

void addRecording(Lines& lines, const Snapshot& snapshot) {
    const Summary& s = snapshot.summary;
    lines.group(words("Recording"));
    lines.count(words("events"), s.events, words("Events up to the cursor"));
    lines.text(words("events lost"), format::count(s.eventsLost), static_cast<qlonglong>(s.eventsLost),
               words("Events that a full buffer could not take; they are missing from all figures"), s.eventsLost > 0);
    lines.bytes(words("engine's memory"), s.hostResidentBytes, words("Resident memory of the recording process, last sample"));
    if (snapshot.info && snapshot.info->origin != session::Origin::Recorded)
        lines.text(words("origin"),
                   snapshot.info->origin == session::Origin::Simulated ? words("simulated") : words("imported"),
                   static_cast<int>(snapshot.info->origin),
                   words("These figures were computed or translated, not measured here"), true);
}

} // namespace

QString cacheTrap(const Snapshot& snapshot) {
    const Summary& s = snapshot.summary;
    if (!s.poolCollapse)
        return {};
    return QString::fromStdString(analysis::poolCollapseSentence(s)) +
           words(" Give it %1 slots or more, or share the slots out per layer (allocation uniform).")
               .arg(std::ceil(s.expertsPerToken));
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
