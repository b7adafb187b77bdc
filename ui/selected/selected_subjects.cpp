#include "ui/format.h"
#include "ui/plot/pass_lookup.h"
#include "ui/plot/token_experts.h"
#include "ui/plot/token_text.h"
#include "ui/selected/selected_model.h"
#include "ui/words.h"

#include <algorithm>
#include <cmath>

namespace moescope::ui {
namespace {

using analysis::Snapshot;

QString causeText(trace::TransferCause cause) {
    switch (cause) {
    case trace::TransferCause::Demand:
        return words("demand");
    case trace::TransferCause::Prefetch:
        return words("prefetch");
    case trace::TransferCause::Allocation:
        return words("allocation");
    }
    return {};
}

std::size_t cell(const Snapshot& snapshot, trace::ExpertKey key) {
    return static_cast<std::size_t>(key.layer.value) * static_cast<std::size_t>(snapshot.experts) +
           static_cast<std::size_t>(key.expert.value);
}

bool known(const Snapshot& snapshot, trace::ExpertKey key) {
    return key.layer.value >= 0 && key.layer.value < snapshot.layers && key.expert.value >= 0 &&
           key.expert.value < snapshot.experts && cell(snapshot, key) < snapshot.expertLives.size();
}

double share(std::int64_t part, std::int64_t of) {
    return of > 0 ? static_cast<double>(part) / static_cast<double>(of) : -1;
}

/// How often the layer's experts were asked for; the rank of this one counts those asked for more often.
struct Popularity {
    std::int64_t mine = 0;
    std::int64_t all = 0;
    int rank = 1;
};

Popularity popularity(const Snapshot& snapshot, trace::ExpertKey key) {
    Popularity result;
    const auto asked = [&](int expert) {
        const analysis::ExpertRecord& life = snapshot.expertLives[cell(snapshot, trace::expertKey(key.layer.value, expert))];
        return life.hits + life.misses;
    };
    result.mine = asked(key.expert.value);
    for (int expert = 0; expert < snapshot.experts; ++expert) {
        result.all += asked(expert);
        result.rank += asked(expert) > result.mine ? 1 : 0;
    }
    return result;
}

QString expertName(trace::ExpertKey key) {
    return words("layer %1 · expert %2").arg(key.layer.value).arg(key.expert.value);
}

QString expertsPerLayer(const Snapshot& snapshot, trace::TokenIndex token) {
    QStringList layers;
    QStringList current;
    int layer = -1;
    for (const trace::ExpertKey& key : expertsOf(snapshot, token)) {
        if (key.layer.value != layer && !current.isEmpty()) {
            layers << current.join(u',');
            current.clear();
        }
        layer = key.layer.value;
        current << QString::number(key.expert.value);
    }
    if (!current.isEmpty())
        layers << current.join(u',');
    return layers.join(QStringLiteral(" | "));
}

void addPass(SelectedSubject& subject, const Snapshot& snapshot, const analysis::PassRecord& pass) {
    const auto stage = [&](trace::Stage s) { return format::duration(pass.stageNs[static_cast<std::size_t>(s)]); };
    subject.rows.push_back(
        {words("time"), format::duration(pass.end - pass.begin), words("From the begin to the end of its pass")});
    subject.rows.push_back({words("attention · router"),
                            stage(trace::Stage::Attention) + QStringLiteral(" · ") + stage(trace::Stage::Router),
                            {}});
    subject.rows.push_back({words("experts"), stage(trace::Stage::Experts), words("Without the waits")});
    subject.rows.push_back({words("exposed wait"), format::duration(pass.stallNs), words("Compute waited for experts")});
    subject.rows.push_back(
        {words("output · sampler"), stage(trace::Stage::Output) + QStringLiteral(" · ") + stage(trace::Stage::Sample), {}});
    subject.rows.push_back({words("hits · misses"), words("%1 · %2").arg(pass.hits).arg(pass.misses), {}});
    subject.rows.push_back(
        {words("moved"),
         words("%1 (%2 demand)").arg(format::bytes(pass.bytesDemand + pass.bytesPrefetch), format::bytes(pass.bytesDemand)),
         {}});
    subject.rows.push_back({words("experts per layer"), QString::number(static_cast<double>(pass.meanKept), 'f', 2), {}});
    if (pass.tokens > 1)
        subject.rows.push_back(
            {words("read together"), passText(snapshot, pass), words("Prefill: one pass reads many tokens")});
}

} // namespace

SelectedSubject describeSession(const Snapshot& snapshot) {
    SelectedSubject subject{words("session"), {}};
    if (!snapshot.info)
        return subject;
    const session::SessionInfo& info = *snapshot.info;
    QString model = QString::fromStdString(info.model.name);
    if (info.model.synthetic)
        model += words(" · synthetic weights");
    subject.rows = {
        {words("model"), model, {}},
        {words("experts"), words("%1 layers × %2, top-%3").arg(snapshot.layers).arg(snapshot.experts).arg(info.model.topK), {}},
        {words("one expert"), format::bytes(info.model.expertBytes), words("Bytes that cross the link for one expert")},
        {words("device"), QString::fromStdString(info.machine.device), {}},
        {words("tokens"), format::count(static_cast<qint64>(snapshot.tokens.size())), {}},
        {words("moved"),
         format::bytes(snapshot.summary.bytesDemand + snapshot.summary.bytesPrefetch + snapshot.summary.bytesAllocation),
         {}},
        {words("hit rate"),
         words("%1, optimum %2").arg(format::share(snapshot.summary.hitRate), format::share(snapshot.summary.optimumHitRate)),
         words("Beside the best possible eviction (Belady) on the same accesses and slots")}};
    return subject;
}

SelectedSubject describeExpert(const Snapshot& snapshot, trace::ExpertKey key) {
    SelectedSubject subject{expertName(key), {}};
    if (!known(snapshot, key))
        return subject;
    const analysis::ExpertRecord& life = snapshot.expertLives[cell(snapshot, key)];
    const Popularity asked = popularity(snapshot, key);
    const std::uint8_t state =
        cell(snapshot, key) < snapshot.residency.state.size() ? snapshot.residency.state[cell(snapshot, key)] : 0;
    const QString rank = asked.mine == 0   ? QString()
                         : asked.rank == 1 ? words(" (busiest)")
                                           : words(" (no. %1)").arg(asked.rank);
    subject.rows.push_back(
        {words("chosen"),
         asked.all > 0 ? words("%1 of the layer%2").arg(format::percent(share(asked.mine, asked.all)), rank) : words("never"),
         words("Requests for it / requests for all experts of its layer")});
    QString since = state == 0 ? words("not resident") : state == 1 ? words("loading") : words("the start");
    if (state == 2 && life.residentSince.valid())
        since = words("token %1, %2").arg(life.residentSince.value).arg(causeText(life.lastCause));
    subject.rows.push_back({words("resident since"), since, words("The token that it was loaded for, and why")});
    subject.rows.push_back(
        {words("last used"),
         life.lastUsed.valid()
             ? words("token %1, weight %2").arg(life.lastUsed.value).arg(static_cast<double>(life.lastWeight), 0, 'f', 2)
             : words("never"),
         {}});
    subject.rows.push_back(
        {words("hits · misses"), words("%1 · %2").arg(format::count(life.hits), format::count(life.misses)), {}});
    subject.rows.push_back({words("transfers"),
                            words("%1 · %2 · %3 wasted").arg(life.transfers).arg(format::bytes(life.bytes)).arg(life.wasted),
                            words("Transfers, bytes moved, and prefetches that were evicted unused")});
    subject.rows.push_back({words("mean wait"),
                            life.misses > 0 ? format::duration(life.waitNs / life.misses) : QStringLiteral("–"),
                            words("Time that compute waited for it, per miss")});
    subject.rows.push_back({words("evictions"), format::count(life.evictions), {}});
    return subject;
}

SelectedSubject describeLayer(const Snapshot& snapshot, trace::Layer layer) {
    SelectedSubject subject{words("layer %1").arg(layer.value), {}};
    if (!layer.valid() || static_cast<std::size_t>(layer.value) >= snapshot.layerLives.size())
        return subject;
    const analysis::LayerRecord& life = snapshot.layerLives[static_cast<std::size_t>(layer.value)];
    int resident = 0;
    for (int expert = 0; expert < snapshot.experts; ++expert)
        if (const std::size_t at = cell(snapshot, trace::expertKey(layer.value, expert)); at < snapshot.residency.state.size())
            resident += snapshot.residency.state[at] == 2 ? 1 : 0;
    subject.rows = {
        {words("resident"),
         life.slots < 0 ? words("%1 (shared pool)").arg(resident) : words("%1 of %2 slots").arg(resident).arg(life.slots),
         {}},
        {words("hit rate"), format::share(share(life.hits, life.hits + life.misses)), {}},
        {words("optimum"), format::share(life.optimumHitRate), words("Best possible eviction on the same accesses and slots")},
        {words("hits · misses"), words("%1 · %2").arg(format::count(life.hits), format::count(life.misses)), {}},
        {words("experts per token"),
         life.decisions > 0 ? QString::number(static_cast<double>(life.kept) / static_cast<double>(life.decisions), 'f', 2)
                            : QStringLiteral("–"),
         {}},
        {words("single expert"), format::percent(share(life.single, life.decisions)),
         words("Decisions that ran one expert though there were more")},
        {words("predicted"), format::percent(share(life.predictedHits, life.predictedSlots)),
         words("Of its chosen experts, those that the layer before predicted")},
        {words("dropped weight"),
         life.decisions > 0 ? format::percent(life.droppedSum / static_cast<double>(life.decisions)) : QStringLiteral("–"),
         words("Mean share of the weight that gating dropped")}};
    const auto at = static_cast<std::size_t>(layer.value);
    if (snapshot.info && at < snapshot.info->sensitivity.size())
        subject.rows.push_back({words("sensitivity"), format::number(snapshot.info->sensitivity[at], 3),
                                words("AdapMoE's w: what dropping weight costs in this layer, against the others")});
    return subject;
}

SelectedSubject describeToken(const Snapshot& snapshot, trace::TokenIndex token) {
    SelectedSubject subject{words("token %1").arg(token.value), {}};
    if (!token.valid() || static_cast<std::size_t>(token.value) >= snapshot.tokens.size())
        return subject;
    const analysis::TokenRecord& record = snapshot.tokens[static_cast<std::size_t>(token.value)];
    subject.rows.push_back({words("text"), words("“%1”").arg(tokenText(record.text)), {}});
    subject.rows.push_back({words("id"),
                            words("%1, %2")
                                .arg(record.tokenId)
                                .arg(record.role == analysis::TokenRole::Prompt ? words("prompt") : words("generated")),
                            {}});
    if (record.role == analysis::TokenRole::Generated)
        subject.rows.push_back({words("probability"),
                                QString::number(std::exp(static_cast<double>(record.logProbability)), 'g', 3),
                                words("Of this token under the model's unmodified distribution")});
    const int pass = passOf(snapshot, token);
    if (pass < 0) {
        subject.rows.push_back({words("time"), words("not read yet"), words("The last token of an answer is never read")});
        return subject;
    }
    addPass(subject, snapshot, snapshot.passes[static_cast<std::size_t>(pass)]);
    if (const QString experts = expertsPerLayer(snapshot, token); !experts.isEmpty())
        subject.rows.push_back(
            {words("experts, by layer"), experts, words("Experts that ran, layer by layer: %1").arg(experts)});
    return subject;
}

SelectedSubject describeTransfer(const Snapshot& snapshot, const trace::TransferSpan& span) {
    SelectedSubject subject{words("transfer · %1").arg(causeText(span.cause)), {}};
    const trace::TimeNs duration = span.end - span.begin;
    subject.rows = {
        {words("expert"), expertName(span.key), {}},
        {words("asked for by"), span.token.valid() ? words("token %1").arg(span.token.value) : words("no token"), {}},
        {words("cause"),
         causeText(span.cause) + (span.outcome == trace::TransferOutcome::Cancelled ? words(", cancelled") : QString()),
         {}},
        {words("begins"), words("%1 ms").arg(static_cast<double>(span.begin) / 1e6, 0, 'f', 3), {}},
        {words("lasts"), format::duration(duration), {}},
        {words("queue wait"), format::duration(span.begin - span.queuedAt), words("Between the request and the first byte")},
        {words("bytes"), format::bytes(span.bytes), {}},
        {words("speed"),
         format::bandwidth(duration > 0 ? static_cast<double>(span.bytes) * 1e9 / static_cast<double>(duration) : 0) +
             (span.emulated ? words(" (emulated)") : QString()),
         {}}};
    if (span.token.valid() && static_cast<std::size_t>(span.token.value) < snapshot.tokens.size())
        subject.rows[1].value +=
            words(" “%1”").arg(tokenText(snapshot.tokens[static_cast<std::size_t>(span.token.value)].text));
    return subject;
}

} // namespace moescope::ui
