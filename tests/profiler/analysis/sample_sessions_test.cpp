// Promise 3: every file in sample_sessions opens, is sound, and reports what a plain count of its events says.
#include "profiler/analysis/snapshot_builder.h"
#include "profiler/session/session_reader.h"

#include <algorithm>
#include <filesystem>
#include <gtest/gtest.h>
#include <map>
#include <set>

namespace moescope::analysis {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> samples() {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(MOESCOPE_SOURCE_DIR "/sample_sessions"))
        if (entry.path().extension() == ".moescope")
            names.push_back(entry.path().stem().string());
    std::sort(names.begin(), names.end());
    return names;
}

/// Belady as in the textbook, looking ahead in a list of steps: what one pool is asked for at once, or given for nothing.
class LookAhead {
public:
    void step(std::vector<trace::ExpertKey> keys, bool asked) {
        for (const trace::ExpertKey key : keys)
            if (asked)
                m_uses[key].push_back(m_steps.size());
        m_steps.push_back({std::move(keys), asked});
    }
    std::pair<std::int64_t, std::int64_t> hitsAndAccesses(std::size_t slots) const {
        std::set<trace::ExpertKey> kept;
        std::int64_t hits = 0;
        std::int64_t accesses = 0;
        for (std::size_t i = 0; i < m_steps.size(); ++i) {
            if (m_steps[i].asked) {
                accesses += static_cast<std::int64_t>(m_steps[i].keys.size());
                for (const trace::ExpertKey key : m_steps[i].keys)
                    hits += kept.count(key) ? 1 : 0;
            }
            kept.insert(m_steps[i].keys.begin(), m_steps[i].keys.end());
            while (kept.size() > slots)
                kept.erase(
                    std::max_element(kept.begin(), kept.end(), [&](auto a, auto b) { return nextUse(a, i) < nextUse(b, i); }));
        }
        return {hits, accesses};
    }

private:
    struct Step {
        std::vector<trace::ExpertKey> keys;
        bool asked = true;
    };
    std::size_t nextUse(trace::ExpertKey key, std::size_t after) const {
        const auto uses = m_uses.find(key);
        if (uses == m_uses.end())
            return m_steps.size();
        const auto next = std::upper_bound(uses->second.begin(), uses->second.end(), after);
        return next == uses->second.end() ? m_steps.size() : *next;
    }
    std::vector<Step> m_steps;
    std::map<trace::ExpertKey, std::vector<std::size_t>> m_uses;
};

class SampleSession : public ::testing::TestWithParam<std::string> {
protected:
    SampleSession() : reader(MOESCOPE_SOURCE_DIR "/sample_sessions/" + GetParam() + ".moescope") {
        SnapshotBuilder builder(std::make_shared<const session::SessionInfo>(reader.info()));
        while (const auto batch = reader.next()) {
            builder.add(*batch);
            for (const session::Record& record : batch->records)
                events.push_back(record.event);
        }
        builder.refreshFigures(true);
        snapshot = builder.snapshot();
    }
    template <class Kind, class Visit>
    void each(Visit&& visit) const {
        for (const trace::Event& event : events)
            if (const auto* e = std::get_if<Kind>(&event))
                visit(*e);
    }
    template <class Kind>
    std::int64_t count() const {
        return std::count_if(events.begin(), events.end(), [](const auto& e) { return std::holds_alternative<Kind>(e); });
    }
    session::SessionReader reader;
    std::vector<trace::Event> events;
    SnapshotPtr snapshot;
};

TEST_P(SampleSession, IsSoundAndFinished) {
    EXPECT_EQ(reader.verify(), std::vector<std::string>{});
    EXPECT_TRUE(reader.info().finished());
    EXPECT_LE(reader.fileBytes(), 1'500'000);
    EXPECT_EQ(snapshot->summary.eventsLost, 0);
}

TEST_P(SampleSession, ReportsWhatAPlainCountSays) {
    const Summary& f = snapshot->summary;
    EXPECT_EQ(f.events, static_cast<std::int64_t>(events.size()));
    EXPECT_EQ(f.tokens, count<trace::TokenEmitted>());
    EXPECT_EQ(f.promptTokens, count<trace::TokenPrompted>());
    EXPECT_EQ(f.hits, count<trace::ExpertHit>());
    EXPECT_EQ(f.misses, count<trace::ExpertMissed>());
    EXPECT_EQ(f.evictions, count<trace::ExpertEvicted>());
    std::int64_t bytes = 0;
    each<trace::TransferSpan>([&](const auto& e) { bytes += e.bytes; });
    EXPECT_EQ(f.bytesDemand + f.bytesPrefetch + f.bytesAllocation + f.bytesUnattributed, bytes);
    EXPECT_EQ(f.bytesUnattributed, 0);
    std::int64_t chosen = 0;
    std::int64_t kept = 0;
    std::int64_t decode = 0;
    std::int64_t decodeKept = 0;
    each<trace::ExpertsChosen>([&](const auto& e) {
        chosen += e.candidates;
        kept += e.kept;
        if (e.phase == trace::Phase::Decode) {
            ++decode;
            decodeKept += e.kept;
        }
    });
    EXPECT_EQ(f.expertChoices, chosen);
    EXPECT_EQ(f.expertExecutions, kept);
    EXPECT_NEAR(f.meanExpertsPerTokenLayer, static_cast<double>(decodeKept) / static_cast<double>(decode), 1e-12);
}

TEST_P(SampleSession, PassesHoldAllThatHappened) {
    PassRecord sum;
    for (std::size_t i = 0; i < snapshot->passes.size(); ++i) {
        const PassRecord& pass = snapshot->passes[i];
        sum.hits += pass.hits;
        sum.misses += pass.misses;
        sum.tokens += pass.tokens;
        sum.bytesDemand += pass.bytesDemand;
        sum.bytesPrefetch += pass.bytesPrefetch;
        sum.otherNs += pass.otherNs;
        sum.end += pass.end - pass.begin;
    }
    EXPECT_LT(sum.otherNs, sum.end / 4) << "most of the time has a name";
    const Summary& f = snapshot->summary;
    EXPECT_EQ(sum.hits, f.hits);
    EXPECT_EQ(sum.misses, f.misses);
    EXPECT_EQ(sum.bytesDemand, f.bytesDemand);
    EXPECT_EQ(sum.bytesPrefetch, f.bytesPrefetch);
    // The last token of an answer is emitted, but not read.
    EXPECT_EQ(sum.tokens - 1, f.promptTokens + f.tokens - static_cast<std::int64_t>(snapshot->turns.size()));
}

TEST_P(SampleSession, OptimumIsBeladys) {
    const int layers = snapshot->layers;
    std::map<int, int> slots;
    std::map<int, LookAhead> pools;
    std::vector<trace::ExpertKey> group;
    const auto poolOf = [&](trace::ExpertKey key) { return slots.count(-1) ? -1 : key.layer.value; };
    const auto close = [&] {
        if (!group.empty())
            pools[poolOf(group[0])].step(group, true);
        group.clear();
    };
    const auto ask = [&](trace::ExpertKey key) {
        if (!group.empty() && group[0].layer != key.layer)
            close();
        group.push_back(key);
    };
    for (const trace::Event& event : events) {
        if (const auto* e = std::get_if<trace::SlotsAllocated>(&event)) {
            ASSERT_FALSE(slots.count(e->layer.value)) << "the samples do not change their slots";
            slots[e->layer.value] = e->slots;
        } else if (const auto* hit = std::get_if<trace::ExpertHit>(&event)) {
            ask(hit->key);
        } else if (const auto* miss = std::get_if<trace::ExpertMissed>(&event)) {
            ask(miss->key);
        } else if (const auto* stage = std::get_if<trace::StageSpan>(&event); stage && stage->stage == trace::Stage::Step) {
            close();
        } else if (const auto* copy = std::get_if<trace::TransferSpan>(&event);
                   copy && copy->cause == trace::TransferCause::Allocation) {
            pools[poolOf(copy->key)].step({copy->key}, false);
        }
    }
    std::int64_t hits = 0;
    std::int64_t accesses = 0;
    for (const auto& [pool, ahead] : pools) {
        ASSERT_LT(pool, layers);
        const auto [poolHits, poolAccesses] = ahead.hitsAndAccesses(static_cast<std::size_t>(slots[pool]));
        hits += poolHits;
        accesses += poolAccesses;
    }
    EXPECT_NEAR(snapshot->summary.optimumHitRate, static_cast<double>(hits) / static_cast<double>(accesses), 1e-12);
}

TEST_P(SampleSession, ResidencyAtTheEndIsTheReaders) {
    EXPECT_EQ(reader.residencyAt(reader.lastSeq()).state, snapshot->residency.state);
}

INSTANTIATE_TEST_SUITE_P(All, SampleSession, ::testing::ValuesIn(samples()), [](const auto& sample) {
    std::string name = sample.param;
    std::replace_if(
        name.begin(), name.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
    return name;
});

} // namespace
} // namespace moescope::analysis
