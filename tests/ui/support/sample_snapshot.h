#pragma once
// A made-up session for tests of panels: a prompt read in one pass, then decoded tokens, every figure derived from a fixed
// pseudo-random sequence, so that the parts agree with each other. No file, no engine.
#include "profiler/session/lane_items.h"
#include "ui/session_feed.h"

#include <algorithm>
#include <functional>
#include <random>

namespace moescope::ui::test {

struct SampleShape {
    int layers = 8;
    int experts = 8;
    int promptTokens = 12;
    int decoded = 60;
    int slots = 32;
    double threshold = 0.03;
    bool live = false;
    std::string file = "sample.moescope";
};

/// Builds a Snapshot and the timeline that belongs to it.
class SampleSession {
public:
    explicit SampleSession(SampleShape shape = {}) : m_shape(std::move(shape)) {
        prepare();
        addPrefill();
        for (int i = 0; i < m_shape.decoded; ++i)
            addDecode(m_shape.promptTokens + i);
        finish();
    }

    analysis::SnapshotPtr snapshot() const { return std::make_shared<analysis::Snapshot>(m_snapshot); }
    analysis::Snapshot& edit() { return m_snapshot; }
    analysis::SnapshotPtr withInfo(const std::function<void(session::SessionInfo&)>& change) {
        auto info = std::make_shared<session::SessionInfo>(*m_snapshot.info);
        change(*info);
        m_snapshot.info = info;
        return snapshot();
    }
    TimelineWindowPtr window() const { return std::make_shared<TimelineWindow>(m_window); }

private:
    using Role = analysis::TokenRole;
    static constexpr trace::TimeNs kUs = 1000;

    double uniform() { return std::uniform_real_distribution<double>(0, 1)(m_random); }
    std::size_t cell(int layer, int expert) const { return static_cast<std::size_t>(layer * m_shape.experts + expert); }

    void prepare() {
        auto info = std::make_shared<session::SessionInfo>();
        info->title = "sample";
        info->model.name = "tales-moe";
        info->model.layers = m_shape.layers;
        info->model.experts = m_shape.experts;
        info->model.topK = 2;
        info->model.expertBytes = 418'000;
        info->machine.device = "CPU (AVX2), 1 thread";
        info->settings = {{"gate", "adapmoe"}};
        for (int layer = 0; layer < m_shape.layers; ++layer)
            info->sensitivity.push_back(0.4 + 0.15 * layer);
        auto& s = m_snapshot;
        s.info = info;
        s.calibration = calibration(info->sensitivity);
        s.file = m_shape.file;
        s.layers = m_shape.layers;
        s.experts = m_shape.experts;
        s.live = m_shape.live;
        s.slotsTotal = m_shape.slots;
        s.settings = {
            {"gate", "adapmoe"},       {"gate-threshold", std::to_string(m_shape.threshold)}, {"cache", "lru"},
            {"allocation", "uniform"}, {"cache-experts", std::to_string(m_shape.slots)},      {"prefetch", "next-layer"},
            {"link", "pcie3x4"}};
        s.expertLives.resize(static_cast<std::size_t>(m_shape.layers * m_shape.experts));
        s.layerLives.resize(static_cast<std::size_t>(m_shape.layers));
        for (analysis::LayerRecord& layer : s.layerLives)
            layer.slots = m_shape.slots / m_shape.layers;
        s.residency.layers = m_shape.layers;
        s.residency.experts = m_shape.experts;
        s.residency.state.assign(s.expertLives.size(), 0);
        for (int lane = 0; lane <= static_cast<int>(session::Lane::CopyOther); ++lane)
            m_window.lanes.push_back({static_cast<session::Lane>(lane), {}});
    }

    /// Pair-wise sensitivities around the layers' own, and a cost curve that is made up and says so.
    std::shared_ptr<policy::Sensitivities> calibration(const std::vector<double>& refined) const {
        auto known = std::make_shared<policy::Sensitivities>();
        known->refined = refined;
        auto pairs = std::make_shared<policy::PairTable>(m_shape.layers, m_shape.experts);
        for (int layer = 0; layer < m_shape.layers; ++layer) {
            known->paper.push_back(2 - 0.2 * layer);
            known->directKl.push_back(0.002 + 0.0005 * layer);
            for (int first = 0; first < m_shape.experts; ++first)
                for (int second = 0; second < m_shape.experts; ++second)
                    pairs->at(layer, first, second) =
                        static_cast<float>(refined[static_cast<std::size_t>(layer)] * (0.6 + 0.1 * ((first * 3 + second) % 9)));
        }
        known->pairs = pairs;
        for (const char* gate : {"adapmoe", "adapmoe-pair", "score"})
            for (const double mean : {1.75, 1.5, 1.25, 1.05}) {
                const double cut = 2 - mean;
                const double worse = gate[0] == 's' ? 1.6 : gate[7] == '-' ? 1 : 1.2;
                known->costs.points.push_back(
                    {gate, 0.06 * cut * cut, mean, cut, 0.05 * worse * cut * cut, 1 + 0.04 * worse * cut * cut});
            }
        known->costs.quantisation = {{"Q8_0", 0.0009, 1.0004}, {"Q4_0", 0.021, 1.017}};
        known->costs.text = "a made-up text";
        known->costs.tokens = 4096;
        return known;
    }

    void addToken(Role role, const std::string& text, int pass) {
        analysis::TokenRecord token;
        token.tokenId = static_cast<std::int32_t>(100 + m_snapshot.tokens.size());
        token.turn = trace::TurnIndex(0);
        token.role = role;
        token.text = text;
        token.at = m_time;
        token.logProbability = -0.5F;
        token.pass = pass;
        m_snapshot.tokens.push(token);
    }

    void bar(session::Lane lane, trace::TimeNs begin, trace::TimeNs end, int colour, std::int64_t bytes = 0) {
        session::LaneBar made;
        made.begin = begin;
        made.end = end;
        made.busyNs = end - begin;
        made.colourKey = colour;
        made.bytes = bytes;
        made.seq = ++m_seq;
        m_window.lanes[static_cast<std::size_t>(lane)].bars.push_back(made);
    }

    analysis::ChoiceRecord choose(int token, int layer, trace::Phase phase) {
        analysis::ChoiceRecord choice;
        choice.candidates = 2;
        const int favourite = (layer * 3 + token / 16) % m_shape.experts;
        const int first = uniform() < 0.4 ? favourite : static_cast<int>(uniform() * m_shape.experts);
        const int second = (first + 1 + static_cast<int>(uniform() * (m_shape.experts - 1))) % m_shape.experts;
        const double share = 0.5 * std::min(1.0, std::abs(uniform() + uniform() - 0.6));
        choice.ids[0] = static_cast<std::uint16_t>(first);
        choice.ids[1] = static_cast<std::uint16_t>(second);
        choice.weights[0] = trace::toHalf(static_cast<float>(1 - share));
        choice.weights[1] = trace::toHalf(static_cast<float>(share));
        choice.secondShare = static_cast<float>(share);
        choice.kept = share * share * (0.4 + 0.15 * layer) <= m_shape.threshold ? 1 : 2;
        choice.droppedShare = choice.kept == 1 ? choice.secondShare : 0;
        choice.phase = phase;
        if (phase != trace::Phase::Decode)
            return choice;
        analysis::LayerRecord& life = m_snapshot.layerLives[static_cast<std::size_t>(layer)];
        ++life.decisions;
        life.kept += choice.kept;
        life.single += choice.kept == 1 ? 1 : 0;
        life.droppedSum += static_cast<double>(choice.droppedShare);
        life.secondSum += share;
        life.predictedSlots += 2;
        life.predictedHits += uniform() < 0.8 ? 2 : 1;
        return choice;
    }

    /// One expert is asked for; returns how long compute waits.
    trace::TimeNs touch(analysis::PassRecord& pass, int token, int layer, int expert, double weight) {
        analysis::ExpertRecord& life = m_snapshot.expertLives[cell(layer, expert)];
        std::uint8_t& state = m_snapshot.residency.state[cell(layer, expert)];
        life.lastUsed = trace::TokenIndex(token);
        life.lastWeight = static_cast<float>(weight);
        if (state == 2) {
            ++life.hits;
            ++pass.hits;
            ++m_snapshot.layerLives[static_cast<std::size_t>(layer)].hits;
            return 0;
        }
        evictOne(layer, pass);
        state = 2;
        ++life.misses;
        ++pass.misses;
        ++life.transfers;
        ++m_snapshot.layerLives[static_cast<std::size_t>(layer)].misses;
        life.bytes += 418'000;
        life.residentSince = trace::TokenIndex(token);
        const bool prefetched = uniform() < 0.3;
        life.lastCause = prefetched ? trace::TransferCause::Prefetch : trace::TransferCause::Demand;
        (prefetched ? pass.bytesPrefetch : pass.bytesDemand) += 418'000;
        const trace::TimeNs length = 119 * kUs;
        const trace::TimeNs wait = prefetched ? 20 * kUs : length;
        const auto lane = prefetched ? session::Lane::CopyPrefetch : session::Lane::CopyDemand;
        const auto colour = !prefetched       ? session::CopyColour::Demand
                            : uniform() < 0.8 ? session::CopyColour::PrefetchUsed
                                              : session::CopyColour::PrefetchWasted;
        bar(lane, m_time + wait - length, m_time + wait, static_cast<int>(colour), 418'000);
        bar(session::Lane::Stalls, m_time, m_time + wait, 0);
        life.waitNs += wait;
        return wait;
    }

    void evictOne(int layer, analysis::PassRecord& pass) {
        int resident = 0;
        int oldest = -1;
        for (int expert = 0; expert < m_shape.experts; ++expert) {
            if (m_snapshot.residency.state[cell(layer, expert)] != 2)
                continue;
            ++resident;
            if (oldest < 0 ||
                m_snapshot.expertLives[cell(layer, expert)].lastUsed < m_snapshot.expertLives[cell(layer, oldest)].lastUsed)
                oldest = expert;
        }
        if (resident * m_shape.layers < m_shape.slots || oldest < 0)
            return;
        m_snapshot.residency.state[cell(layer, oldest)] = 0;
        ++m_snapshot.expertLives[cell(layer, oldest)].evictions;
        ++pass.evictions;
    }

    void stage(analysis::PassRecord& pass, trace::Stage stage, trace::TimeNs length) {
        bar(session::Lane::Stages, m_time, m_time + length, static_cast<int>(stage));
        pass.stageNs[static_cast<std::size_t>(stage)] += length;
        m_time += length;
    }

    void runPass(int firstToken, int tokens, trace::Phase phase) {
        analysis::PassRecord pass;
        pass.firstToken = trace::TokenIndex(firstToken);
        pass.tokens = tokens;
        pass.phase = phase;
        pass.begin = m_time;
        int kept = 0;
        for (int layer = 0; layer < m_shape.layers; ++layer) {
            const trace::TimeNs layerBegin = m_time;
            stage(pass, trace::Stage::Attention, (60 + static_cast<int>(uniform() * 20)) * kUs * tokens);
            stage(pass, trace::Stage::Router, 6 * kUs * tokens);
            for (int token = firstToken; token < firstToken + tokens; ++token) {
                const analysis::ChoiceRecord choice = choose(token, layer, phase);
                m_choices[static_cast<std::size_t>(token * m_shape.layers + layer)] = choice;
                kept += choice.kept;
                for (int i = 0; i < choice.kept; ++i) {
                    const trace::TimeNs wait = touch(pass, token, layer, choice.ids[static_cast<std::size_t>(i)], 0.5);
                    pass.stallNs += wait;
                    m_time += wait;
                    stage(pass, trace::Stage::Experts, 70 * kUs);
                }
            }
            bar(session::Lane::Layers, layerBegin, m_time, layer);
        }
        stage(pass, trace::Stage::Output, 120 * kUs);
        stage(pass, trace::Stage::Sample, 15 * kUs);
        m_time += 25 * kUs;
        pass.end = m_time;
        pass.stageNs[0] = pass.end - pass.begin;
        pass.otherNs = 25 * kUs;
        pass.meanKept = static_cast<float>(kept) / static_cast<float>(m_shape.layers * tokens);
        bar(session::Lane::Tokens, pass.begin, pass.end, static_cast<int>(phase));
        m_snapshot.passes.push(pass);
    }

    void addPrefill() {
        m_choices.resize(static_cast<std::size_t>((m_shape.promptTokens + m_shape.decoded) * m_shape.layers));
        if (m_shape.promptTokens == 0)
            return;
        for (int i = 0; i < m_shape.promptTokens; ++i)
            addToken(Role::Prompt, " prompt", 0);
        runPass(0, m_shape.promptTokens, trace::Phase::Prefill);
    }

    void addDecode(int index) {
        static const char* const kWords[] = {"Once", " upon",   " a",    " time", ",",     " the",
                                             " fox", " looked", " into", " the",  " pond", "."};
        addToken(Role::Generated, kWords[static_cast<std::size_t>(index) % 12], static_cast<int>(m_snapshot.passes.size()));
        runPass(index, 1, trace::Phase::Decode);
    }

    void finish();

    SampleShape m_shape;
    analysis::Snapshot m_snapshot;
    TimelineWindow m_window;
    std::vector<analysis::ChoiceRecord> m_choices;
    std::mt19937 m_random{7};
    trace::TimeNs m_time = 5'000'000;
    std::int64_t m_seq = 0;
};

inline void SampleSession::finish() {
    auto& s = m_snapshot;
    for (const analysis::ChoiceRecord& choice : m_choices)
        s.choices.push(choice);
    s.now = s.sessionEnd = m_time;
    s.seq = m_seq;
    if (s.layers > 2)
        s.residency.state[cell(2, 3 % m_shape.experts)] = 1;
    auto& sum = s.summary;
    for (std::size_t i = 0; i < s.passes.size(); ++i) {
        sum.hits += s.passes[i].hits;
        sum.misses += s.passes[i].misses;
        sum.evictions += s.passes[i].evictions;
        sum.bytesDemand += s.passes[i].bytesDemand;
        sum.bytesPrefetch += s.passes[i].bytesPrefetch;
    }
    for (analysis::LayerRecord& layer : s.layerLives)
        layer.optimumHitRate =
            layer.hits + layer.misses > 0
                ? std::min(1.0, 0.1 + static_cast<double>(layer.hits) / static_cast<double>(layer.hits + layer.misses))
                : -1;
    const auto asked = static_cast<double>(sum.hits + sum.misses);
    sum.tokens = m_shape.decoded;
    sum.promptTokens = m_shape.promptTokens;
    sum.hitRate = asked > 0 ? static_cast<double>(sum.hits) / asked : -1;
    sum.optimumHitRate = asked > 0 ? std::min(1.0, sum.hitRate + 0.1) : -1;
    sum.decodeTokensPerSecond = 212;
    sum.stallMsPerToken = 0.9;
    sum.linkBytesPerSecond = 3.5e9;
    sum.linkUtilisation = 0.4;
    sum.overlapShare = 0.64;
    sum.tpotP50Ms = 4.2;
    sum.tpotP95Ms = 6.1;
    sum.link = "pcie3x4";
    sum.emulated = true;
    sum.events = m_seq;
    const trace::TimeNs third = 5'000'000 + (m_time - 5'000'000) / 3;
    s.changes.push_back({third, trace::TokenIndex(30), "gate-threshold", "0.01", "0.03"});
    s.notes.push_back({third * 2, trace::TokenIndex(50), "The link is emulated.", false});
    for (TimelineWindow::LaneBars& lane : m_window.lanes)
        std::stable_sort(lane.bars.begin(), lane.bars.end(), [](const auto& a, const auto& b) { return a.begin < b.begin; });
    m_window.file = QString::fromStdString(s.file);
    m_window.begin = 0;
    m_window.end = m_time;
    m_window.resolutionNs = 1;
    const int buckets = 120;
    for (int i = 0; i < buckets; ++i) {
        session::SessionReader::LinkBucket bucket;
        bucket.begin = m_time * i / buckets;
        bucket.end = m_time * (i + 1) / buckets;
        for (const auto lane : {session::Lane::CopyDemand, session::Lane::CopyPrefetch})
            for (const session::LaneBar& copy : m_window.lanes[static_cast<std::size_t>(lane)].bars) {
                const trace::TimeNs overlap = std::min(copy.end, bucket.end) - std::max(copy.begin, bucket.begin);
                if (overlap > 0)
                    bucket.bytes[lane == session::Lane::CopyDemand ? 0 : 1] += copy.bytes * overlap / (copy.end - copy.begin);
            }
        m_window.link.push_back(bucket);
    }
}

} // namespace moescope::ui::test
