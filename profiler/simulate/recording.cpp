#include "profiler/simulate/recording.h"

#include "profiler/session/session_reader.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace moescope::simulate {
namespace {

// Beyond these, times that are added up could leave 64 bits.
constexpr std::int64_t kLargestExpert = std::int64_t{1} << 33;
constexpr trace::TimeNs kLongestRun = 1'000'000'000'000'000'000;

} // namespace

SettingWords settingWords(trace::Payload payload) {
    const std::string_view text = trace::asText(payload);
    const auto first = text.find('\0');
    if (first == std::string_view::npos)
        return {text, {}, {}};
    const auto second = text.find('\0', first + 1);
    if (second == std::string_view::npos)
        return {text.substr(0, first), text.substr(first + 1), {}};
    return {text.substr(0, first), text.substr(first + 1, second - first - 1), text.substr(second + 1)};
}

RecordingBuilder::RecordingBuilder(session::SessionInfo info, std::string name)
    : m_name(std::move(name)), m_figures(info.model.layers, info.model.experts) {
    m_recording.info = std::move(info);
    const session::SessionInfo& facts = m_recording.info;
    if (facts.origin == session::Origin::Imported)
        refuse("it was imported and does not hold the router's decisions with their predictions");
    if (facts.eventsLost > 0)
        refuse(fmt::format("{} of its events were lost, so what the cache held is not known", facts.eventsLost));
    if (!facts.continues.empty())
        refuse("it continues another session, and what the cache held at its begin is not known");
    if (facts.model.layers < 1 || facts.model.experts < 1)
        refuse("it does not say how many layers and experts the model has");
    if (facts.model.expertBytes < 1 || facts.model.expertBytes > kLargestExpert)
        refuse("it does not say how large an expert is");
}

void RecordingBuilder::refuse(const std::string& reason) const {
    throw std::runtime_error(fmt::format("{}: this session cannot be simulated: {}.", m_name, reason));
}

void RecordingBuilder::add(const trace::Event& event, trace::Payload payload) {
    const auto visit = [&](const auto& e) {
        using Kind = std::decay_t<decltype(e)>;
        constexpr bool counted = std::is_same_v<Kind, trace::ExpertHit> || std::is_same_v<Kind, trace::ExpertMissed> ||
                                 std::is_same_v<Kind, trace::PrefetchIssued>;
        if constexpr (std::is_same_v<Kind, trace::ExpertsChosen>) {
            on(e, payload);
        } else if constexpr (std::is_same_v<Kind, trace::StageSpan> || std::is_same_v<Kind, trace::StallSpan> ||
                             std::is_same_v<Kind, trace::TransferSpan>) {
            on(e);
        } else if constexpr (counted) {
            m_layer.hits += std::is_same_v<Kind, trace::ExpertHit> ? 1 : 0;
            m_layer.misses += std::is_same_v<Kind, trace::ExpertMissed> ? 1 : 0;
            if constexpr (std::is_same_v<Kind, trace::ExpertMissed>)
                m_layer.requests += e.inFlight ? 0 : 1;
            m_layer.requests += std::is_same_v<Kind, trace::PrefetchIssued> ? 1 : 0;
        } else if constexpr (std::is_same_v<Kind, trace::SlotsAllocated>) {
            if (!m_begun)
                m_recording.beganAt = m_cursor = e.at;
            m_begun = true;
        } else if constexpr (std::is_same_v<Kind, trace::InPlaceSpan>) {
            refuse("the processor computed missed experts in place (setting miss-service), which a simulation does not do");
        } else if constexpr (std::is_same_v<Kind, trace::EventsLost>) {
            refuse(fmt::format("{} of its events were lost, so what the cache held is not known", e.count));
        } else if constexpr (std::is_same_v<Kind, trace::PromptBegan> || std::is_same_v<Kind, trace::TokenPrompted> ||
                             std::is_same_v<Kind, trace::TokenEmitted> || std::is_same_v<Kind, trace::AnswerEnded> ||
                             std::is_same_v<Kind, trace::SettingChanged> || std::is_same_v<Kind, trace::NoteMade> ||
                             std::is_same_v<Kind, trace::RunFailed>) {
            remark(event, payload);
        }
    };
    std::visit(visit, event);
    m_figures.emit(event, payload);
}

void RecordingBuilder::on(const trace::ExpertsChosen& e, trace::Payload payload) {
    if (!e.token.valid() || !e.layer.valid() || e.layer.value >= m_recording.info.model.layers || e.candidates < 1 ||
        e.candidates > trace::kMaxTopK || e.kept < 1 || e.kept > e.candidates || e.experts > m_recording.info.model.experts ||
        payload.size() != trace::routingPayloadBytes(e))
        refuse(fmt::format("its router decision for token {} at layer {} is incomplete", e.token.value, e.layer.value));
    for (std::size_t rank = 0; rank < e.candidates; ++rank)
        if (std::to_integer<unsigned>(payload[2 * rank]) + 256 * std::to_integer<unsigned>(payload[2 * rank + 1]) >= e.experts)
            refuse(fmt::format("its router decision for token {} at layer {} names an expert that the model does not have",
                               e.token.value, e.layer.value));
    m_recording.decisions.push_back({e, m_recording.payloads.size()});
    m_recording.payloads.insert(m_recording.payloads.end(), payload.begin(), payload.end());
}

void RecordingBuilder::on(const trace::StallSpan& e) {
    m_stallNs = std::min(kLongestRun, m_stallNs + std::clamp<trace::TimeNs>(e.end - e.begin, 0, kLongestRun));
    if (m_firstStall < 0)
        m_firstStall = e.begin;
    const trace::Phase phase = m_recording.passes.empty() ? trace::Phase::Decode : m_recording.passes.back().phase;
    m_recording.waits.push_back({e.begin, e.end, m_recording.layers.size(), e.transfer, phase});
}

void RecordingBuilder::on(const trace::TransferSpan& e) {
    const trace::Phase phase = m_recording.passes.empty() ? trace::Phase::Decode : m_recording.passes.back().phase;
    m_recording.copies.push_back({e, phase});
}

void RecordingBuilder::on(const trace::StageSpan& e) {
    const trace::TimeNs length = std::max<trace::TimeNs>(0, e.end - e.begin);
    if (length > kLongestRun - m_total)
        refuse("its stages take longer than can be");
    m_total += length;
    if (e.stage == trace::Stage::Step) {
        endPass(e);
        return;
    }
    Pass& pass = openPass(e);
    m_named += length;
    switch (e.stage) {
    case trace::Stage::Embed:
    case trace::Stage::Attention:
        m_layer.attentionNs += length;
        break;
    case trace::Stage::Router:
        endRouter(e);
        break;
    case trace::Stage::Experts:
        endExperts(e);
        break;
    case trace::Stage::Output:
        pass.outputNs = std::max<trace::TimeNs>(0, pass.outputNs) + length;
        break;
    case trace::Stage::Sample:
        pass.sampleNs = std::max<trace::TimeNs>(0, pass.sampleNs) + length;
        break;
    case trace::Stage::Step:
        break;
    }
}

Pass& RecordingBuilder::openPass(const trace::StageSpan& e) {
    if (m_passOpen && m_recording.passes.back().first != e.token)
        closeCutOffPass();
    if (!m_passOpen) {
        item(ScriptItem::Kind::Pass, m_recording.passes.size(), e.begin, e.begin);
        m_recording.passes.push_back(
            {.first = e.token, .tokens = std::max(1, e.tokens), .phase = e.phase, .firstLayer = m_recording.layers.size()});
        m_passOpen = true;
        m_passBegin = e.begin;
        m_named = 0;
        m_layer = {};
    }
    return m_recording.passes.back();
}

void RecordingBuilder::endRouter(const trace::StageSpan& e) {
    if (m_layerOpen || !e.layer.valid() || e.layer.value >= m_recording.info.model.layers)
        refuse(fmt::format("its stages at token {} are out of order", e.token.value));
    m_layer.layer = e.layer.value;
    m_layer.firstDecision = m_pending;
    m_layer.decisions = static_cast<int>(m_recording.decisions.size() - m_pending);
    for (std::size_t i = m_pending; i < m_recording.decisions.size(); ++i) {
        if (m_recording.decisions[i].event.layer != e.layer)
            refuse(fmt::format("its router decisions at token {} are out of order", e.token.value));
        m_layer.rows += m_recording.decisions[i].event.kept;
    }
    m_pending = m_recording.decisions.size();
    m_layer.routerNs = std::max<trace::TimeNs>(0, e.end - e.begin);
    m_layerOpen = true;
    m_layer.hits = m_layer.misses = m_layer.requests = 0;
    m_stallNs = 0;
    m_firstStall = -1;
}

void RecordingBuilder::endExperts(const trace::StageSpan& e) {
    if (!m_layerOpen || m_layer.layer != e.layer.value)
        refuse(fmt::format("its stages at token {} are out of order", e.token.value));
    m_layer.expertsNs = std::max<trace::TimeNs>(0, e.end - e.begin - m_stallNs);
    if (m_firstStall >= 0)
        m_layer.leadNs = std::clamp<trace::TimeNs>(m_firstStall - e.begin, 0, m_layer.expertsNs);
    m_recording.layers.push_back(m_layer);
    ++m_recording.passes.back().layerCount;
    m_layer = {};
    m_layerOpen = false;
}

void RecordingBuilder::endPass(const trace::StageSpan& e) {
    if (!m_passOpen || m_recording.passes.back().first != e.token)
        refuse(fmt::format("the pass of token {} has no stages", e.token.value));
    Pass& pass = m_recording.passes.back();
    pass.complete = true;
    pass.tailNs = std::max<trace::TimeNs>(0, e.end - e.begin - m_named);
    m_cursor = std::max(m_cursor, e.end);
    closeCutOffPass();
}

void RecordingBuilder::closeCutOffPass() {
    // A layer whose experts did not all come was asked for nevertheless.
    if (m_layerOpen) {
        m_recording.layers.push_back(m_layer);
        ++m_recording.passes.back().layerCount;
    }
    m_recording.decisions.resize(m_pending);
    m_layer = {};
    m_layerOpen = m_passOpen = false;
}

void RecordingBuilder::remark(const trace::Event& event, trace::Payload payload) {
    // A note may come from another thread in the middle of a pass; anything else then means that the pass failed.
    if (m_passOpen && !std::holds_alternative<trace::NoteMade>(event))
        closeCutOffPass();
    const trace::TimeNs at = m_passOpen ? m_cursor : trace::timeOf(event);
    item(ScriptItem::Kind::Remark, m_recording.remarks.size(), at, at);
    m_recording.remarks.push_back({event, m_recording.payloads.size(), payload.size()});
    m_recording.payloads.insert(m_recording.payloads.end(), payload.begin(), payload.end());
}

void RecordingBuilder::item(ScriptItem::Kind kind, std::size_t index, trace::TimeNs begin, trace::TimeNs end) {
    if (!m_begun) {
        m_recording.beganAt = m_cursor = begin;
        m_begun = true;
    }
    m_recording.script.push_back({kind, index, std::max<trace::TimeNs>(0, begin - m_cursor)});
    m_cursor = std::max(m_cursor, end);
}

void RecordingBuilder::learnRule() {
    constexpr std::size_t kEnough = 2000;
    constexpr float kTolerance = 0.01F; // half precision of at most 16 weights
    bool renormalised = true;
    int deepest = -1;
    std::size_t seen = 0;
    for (const Decision& decision : m_recording.decisions) {
        const int ahead = m_recording.info.model.layers - 1 - decision.event.layer.value;
        const int depths = trace::depthsOf(decision.event);
        if (depths < ahead)
            deepest = deepest < 0 ? depths : std::min(deepest, depths);
        if (decision.event.candidates == decision.event.experts || seen == kEnough)
            continue;
        ++seen;
        const auto routing = trace::decodeRouting(decision.event, m_recording.payloadOf(decision));
        float sum = 0;
        for (const float weight : routing.value().weights)
            sum += weight;
        renormalised = renormalised && std::abs(sum - 1) < kTolerance;
    }
    m_recording.renormalise = renormalised;
    m_recording.predictedDepths = deepest < 0 ? m_recording.info.model.layers : deepest;
}

Recording RecordingBuilder::finish() {
    if (m_passOpen)
        closeCutOffPass();
    m_recording.decisions.resize(m_pending);
    if (m_recording.decisions.empty())
        refuse("it holds no router decisions");
    learnRule();
    m_recording.figures = m_figures.figures();
    return std::move(m_recording);
}

Recording readRecording(const std::filesystem::path& file, const Progress& progress) {
    session::SessionReader reader(file);
    reader.refresh();
    RecordingBuilder builder(reader.info(), file.filename().string());
    const double all = static_cast<double>(std::max<std::int64_t>(1, reader.lastSeq()));
    while (const auto batch = reader.next()) {
        for (const session::Record& record : batch->records)
            builder.add(record.event, batch->payload(record));
        const double share = batch->records.empty() ? 0 : static_cast<double>(batch->records.back().seq) / all;
        if (progress && !progress(std::min(1.0, share)))
            throw Cancelled();
    }
    return builder.finish();
}

} // namespace moescope::simulate
