#include "profiler/analysis/snapshot_builder.h"

#include "profiler/analysis/cache_reducer.h"
#include "profiler/analysis/chronicle_reducer.h"
#include "profiler/analysis/conversation_reducer.h"
#include "profiler/analysis/device_reducer.h"
#include "profiler/analysis/gate_reducer.h"
#include "profiler/analysis/link_reducer.h"
#include "profiler/analysis/pass_reducer.h"
#include "profiler/analysis/pool_collapse.h"
#include "profiler/analysis/prefetch_reducer.h"
#include "profiler/analysis/recorded_decisions.h"

#include <algorithm>
#include <limits>

namespace moescope::analysis {
namespace {

/// More experts than any model has; a file that claims more is shown without its expert grid.
constexpr std::int64_t kMostExperts = 1 << 20;

template <class Reducer, class Event>
constexpr bool kTakes = requires(Reducer r, const Event& e, trace::Payload p, Snapshot& s) {
    r.on(e, p, s);
};

} // namespace

struct SnapshotBuilder::State {
    Snapshot snapshot;
    ConversationReducer conversation;
    PassReducer passes;
    GateReducer gate;
    CacheReducer cache;
    LinkReducer link;
    DeviceReducer device;
    PrefetchReducer prefetch;
    ChronicleReducer chronicle;

    State(int layers, int experts) : cache(layers, experts) {}

    template <class Event>
    void take(const Event& e, trace::Payload payload) {
        static_assert(kTakes<ConversationReducer, Event> || kTakes<PassReducer, Event> || kTakes<GateReducer, Event> ||
                          kTakes<CacheReducer, Event> || kTakes<LinkReducer, Event> || kTakes<DeviceReducer, Event> ||
                          kTakes<PrefetchReducer, Event> || kTakes<ChronicleReducer, Event>,
                      "an event that no reducer takes");
        offer(conversation, e, payload);
        offer(gate, e, payload);
        offer(passes, e, payload);
        offer(cache, e, payload);
        offer(link, e, payload);
        offer(device, e, payload);
        offer(prefetch, e, payload);
        offer(chronicle, e, payload);
    }

private:
    template <class Reducer, class Event>
    void offer(Reducer& reducer, const Event& e, trace::Payload payload) {
        if constexpr (kTakes<Reducer, Event>)
            reducer.on(e, payload, snapshot);
    }
};

SnapshotBuilder::SnapshotBuilder(std::shared_ptr<const session::SessionInfo> info) {
    int layers = info ? std::max(0, info->model.layers) : 0;
    int experts = info ? std::max(0, info->model.experts) : 0;
    if (std::int64_t{layers} * experts > kMostExperts)
        layers = experts = 0;
    m_state = std::make_unique<State>(layers, experts);
    Snapshot& s = m_state->snapshot;
    s.layers = layers;
    s.experts = experts;
    const std::size_t keys = static_cast<std::size_t>(layers) * static_cast<std::size_t>(experts);
    s.expertLives.resize(keys);
    s.layerLives.resize(static_cast<std::size_t>(layers));
    s.residency = {layers, experts, std::vector<std::uint8_t>(keys, 0), 0};
    if (info)
        s.settings = info->settings;
    if (info)
        s.calibration = readCalibration(*info);
    s.info = std::move(info);
    ChronicleReducer::noteLink(s);
}

SnapshotBuilder::SnapshotBuilder(std::unique_ptr<State> state) : m_state(std::move(state)) {}

SnapshotBuilder::~SnapshotBuilder() = default;

void SnapshotBuilder::add(const session::Batch& batch) {
    add(batch, std::numeric_limits<std::int64_t>::max());
}

void SnapshotBuilder::add(const session::Batch& batch, std::int64_t last) {
    Snapshot& s = m_state->snapshot;
    for (const session::Record& record : batch.records) {
        if (record.seq > last)
            break;
        // A cursor inside a batch comes back for the rest of it.
        if (record.seq <= s.seq)
            continue;
        const trace::Payload payload = batch.payload(record);
        std::visit([&](const auto& e) { m_state->take(e, payload); }, record.event);
        s.seq = record.seq;
        s.now = std::max(s.now, trace::timeOf(record.event));
        ++s.summary.events;
    }
    s.residency.seq = s.seq;
    s.sessionEnd = std::max({s.sessionEnd, batch.committedAt, s.now});
}

void SnapshotBuilder::refreshFigures(bool withOptimum) {
    Summary& summary = m_state->snapshot.summary;
    m_state->conversation.derivePercentiles(summary, withOptimum);
    m_state->gate.derive(m_state->snapshot, summary);
    m_state->cache.derive(m_state->snapshot.layerLives, summary);
    derivePoolCollapse(m_state->snapshot, summary);
}

std::unique_ptr<SnapshotBuilder> SnapshotBuilder::fork() const {
    Snapshot& s = m_state->snapshot;
    auto state = std::make_unique<State>(*m_state);
    state->snapshot.tokens = s.tokens.fork();
    state->snapshot.passes = s.passes.fork();
    state->snapshot.choices = s.choices.fork();
    s.tokens.markShared();
    s.passes.markShared();
    s.choices.markShared();
    return std::unique_ptr<SnapshotBuilder>(new SnapshotBuilder(std::move(state)));
}

SnapshotPtr SnapshotBuilder::snapshot() const {
    Snapshot& s = m_state->snapshot;
    m_state->conversation.derive(s.summary);
    m_state->passes.derive(s.summary);
    m_state->link.derive(m_state->passes.passNs(), s.summary);
    m_state->prefetch.derive(m_state->passes.decodeTokens(), s.summary);
    auto copy = std::make_shared<const Snapshot>(s);
    s.tokens.markShared();
    s.passes.markShared();
    s.choices.markShared();
    return copy;
}

} // namespace moescope::analysis
