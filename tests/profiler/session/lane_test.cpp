#include "profiler/session/lane_items.h"
#include "profiler/session/session_reader.h"
#include "profiler/session/session_writer.h"
#include "tests/support/event_script.h"
#include "tests/support/session_fixture.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace moescope::session {
namespace {

using namespace trace;

struct Span {
    TimeNs begin = 0, end = 0;
    std::int32_t colour = 0;
    std::int64_t bytes = 0, seq = 0;
};

/// Every lane's bars, straight from the definition in FORMAT.md and without the code under test.
std::map<Lane, std::vector<Span>> spansOf(const std::vector<Batch>& batches) {
    std::map<std::int32_t, int> fates;
    for (const Batch& batch : batches)
        for (const Record& record : batch.records)
            if (const auto* e = std::get_if<PrefetchResolved>(&record.event))
                fates[e->transfer.value] = e->used ? 1 : 2;
    std::map<Lane, std::vector<Span>> lanes;
    std::map<int, TimeNs> attention;
    for (const Batch& batch : batches)
        for (const Record& record : batch.records) {
            if (const auto* e = std::get_if<StageSpan>(&record.event)) {
                if (e->stage == Stage::Step)
                    lanes[Lane::Tokens].push_back({e->begin, e->end, e->phase == Phase::Decode ? 1 : 0, 0, record.seq});
                else
                    lanes[Lane::Stages].push_back({e->begin, e->end, static_cast<int>(e->stage), 0, record.seq});
                if (e->stage == Stage::Attention)
                    attention[e->layer.value] = e->begin;
                if (e->stage == Stage::Experts)
                    lanes[Lane::Layers].push_back({attention.at(e->layer.value), e->end, e->layer.value, 0, record.seq});
            } else if (const auto* t = std::get_if<TransferSpan>(&record.event)) {
                const bool prefetch = t->cause == TransferCause::Prefetch;
                int colour = prefetch ? 3 : t->cause == TransferCause::Allocation ? 4 : 0;
                if (prefetch && fates.contains(t->transfer.value))
                    colour = fates[t->transfer.value];
                if (t->outcome == TransferOutcome::Cancelled)
                    colour = 6;
                const Lane lane = prefetch                            ? Lane::CopyPrefetch
                                  : t->cause == TransferCause::Demand ? Lane::CopyDemand
                                                                      : Lane::CopyOther;
                lanes[lane].push_back({t->begin, t->end, colour, t->bytes, record.seq});
            } else if (const auto* s = std::get_if<StallSpan>(&record.event)) {
                lanes[Lane::Stalls].push_back({s->begin, s->end, 0, 0, record.seq});
            }
        }
    return lanes;
}

constexpr Lane kAll[] = {Lane::Tokens,       Lane::Layers, Lane::Stages,   Lane::CopyDemand,
                         Lane::CopyPrefetch, Lane::Stalls, Lane::CopyOther};

class LaneTest : public test::SessionFolder {
protected:
    /// Writes batches of uneven sizes; with an idle pause now and then, as between two questions.
    void write(SessionWriter& writer, int count) {
        for (int i = 0; i < count; ++i) {
            const std::size_t sizes[] = {1, 60, 700, 3000};
            m_batches.push_back(m_run.batch(m_number, m_seq, sizes[m_number % 4]));
            ++m_number;
            m_seq = m_batches.back().records.back().seq + 1;
            writer.write(m_batches.back());
        }
    }

    /// The bars of one lane against the spans they stand for.
    void compare(SessionReader& reader, const LaneQuery& query, const std::vector<Span>& all, bool coloursDecided) {
        std::vector<Span> spans;
        for (const Span& span : all)
            if (span.end >= query.begin && span.begin <= query.end)
                spans.push_back(span);
        const std::vector<LaneBar> bars = reader.lane(query);
        std::size_t at = 0;
        TimeNs before = -1;
        for (const LaneBar& bar : bars) {
            ASSERT_GE(bar.begin, before) << "bars come in order";
            before = bar.begin;
            ASSERT_TRUE(bar.count == 1 || bar.end - bar.begin <= query.resolutionNs) << "only what cannot be seen is merged";
            // A merged bar at the window's edge may hold spans that lie just outside of it.
            while (at == 0 && bar.count > 1 && spans.size() < all.size() && bar.begin < spans.front().begin) {
                const auto outside = std::find_if(all.begin(), all.end(), [&](const Span& s) { return s.begin >= bar.begin; });
                spans.insert(spans.begin(), outside,
                             std::find_if(outside, all.end(), [&](const Span& s) { return s.seq == spans.front().seq; }));
            }
            if (&bar == &bars.back() && at + static_cast<std::size_t>(bar.count) > spans.size()) {
                const auto beyond =
                    std::find_if(all.begin(), all.end(), [&](const Span& s) { return s.seq > spans.back().seq; });
                spans.insert(spans.end(), beyond,
                             std::find_if(beyond, all.end(), [&](const Span& s) { return s.begin > bar.end; }));
            }
            ASSERT_LE(at + static_cast<std::size_t>(bar.count), spans.size());
            TimeNs busy = 0, longest = -1, end = 0;
            std::int64_t bytes = 0;
            const Span* shown = nullptr;
            for (int i = 0; i < bar.count; ++i) {
                const Span& span = spans[at + static_cast<std::size_t>(i)];
                busy += span.end - span.begin;
                bytes += span.bytes;
                end = std::max(end, span.end);
                longest = std::max(longest, span.end - span.begin);
                if (span.seq == bar.seq)
                    shown = &span;
            }
            ASSERT_EQ(bar.begin, spans[at].begin);
            ASSERT_EQ(bar.end, end);
            ASSERT_EQ(bar.busyNs, busy);
            ASSERT_EQ(bar.bytes, bytes);
            ASSERT_NE(shown, nullptr) << "the bar shows a span that is not in it";
            ASSERT_EQ(shown->end - shown->begin, longest);
            if (coloursDecided) {
                ASSERT_EQ(bar.colourKey, shown->colour);
            }
            at += static_cast<std::size_t>(bar.count);
        }
        ASSERT_EQ(at, spans.size()) << "every span is in a bar";
        const double most = 2.0 * static_cast<double>(query.end - query.begin) / static_cast<double>(query.resolutionNs) + 4;
        const auto merged = static_cast<double>(std::count_if(
            bars.begin(), bars.end(), [&](const LaneBar& bar) { return bar.end - bar.begin < query.resolutionNs; }));
        ASSERT_LE(merged, most) << "an answer is no longer than the screen is wide";
    }

    test::SyntheticRun m_run{{8, 8, 2, 6, true}};
    std::vector<Batch> m_batches;
    std::int64_t m_number = 1;
    std::int64_t m_seq = 1;
};

TEST_F(LaneTest, barsStandForExactlyTheirSpans) {
    SessionWriter writer(file(), m_run.info());
    write(writer, 61);
    writer.finish(m_run.now(), 0);
    SessionReader reader(file());
    ASSERT_EQ(reader.verify(), std::vector<std::string>{});
    auto lanes = spansOf(m_batches);
    ASSERT_GT(lanes[Lane::Stages].size(), 16u * 16 * 16) << "too short a run for three levels";
    ASSERT_GT(lanes[Lane::CopyPrefetch].size(), 16u * 16);
    std::mt19937_64 random(5);
    for (Lane lane : kAll) {
        SCOPED_TRACE(static_cast<int>(lane));
        compare(reader, {lane, 0, m_run.now(), 1}, lanes[lane], true);
        for (TimeNs pixels : {1, 10, 100, 1600, 100'000})
            compare(reader, {lane, 0, m_run.now(), m_run.now() / pixels}, lanes[lane], true);
        for (int i = 0; i < 40; ++i) {
            const auto begin = static_cast<TimeNs>(random() % static_cast<std::uint64_t>(m_run.now()));
            const auto width = static_cast<TimeNs>(std::pow(10.0, 4 + static_cast<double>(random() % 600) / 100));
            compare(reader, {lane, begin, begin + width, std::max<TimeNs>(1, width / 800)}, lanes[lane], true);
        }
    }
}

TEST_F(LaneTest, aGrowingSessionShowsItsNewestSpans) {
    SessionWriter writer(file(), m_run.info());
    write(writer, 1);
    SessionReader reader(file());
    for (int round = 0; round < 12; ++round) {
        reader.refresh();
        auto lanes = spansOf(m_batches);
        for (Lane lane : kAll) {
            compare(reader, {lane, 0, m_run.now(), 1}, lanes[lane], lane != Lane::CopyPrefetch);
            compare(reader, {lane, 0, m_run.now(), m_run.now() / 300}, lanes[lane], lane != Lane::CopyPrefetch);
        }
        write(writer, 3);
    }
}

TEST_F(LaneTest, coloursSayWhatBecameOfACopy) {
    SessionWriter writer(file(), m_run.info());
    writer.write(test::eventScript(R"(
        L1 copy 0 as 0 10..20 prefetch; L1 used 0 as 0
        L1 copy 1 as 1 30..40 prefetch; L1 wasted 1 as 1
        L1 copy 2 as 2 50..60 prefetch
        L1 copy 3 as 3 70..80 prefetch cancelled
        L1 used 4 as 4; L1 copy 4 as 4 90..100 prefetch
        L1 copy 5 as 5 110..120; L1 copy 6 as 6 130..140 cancelled; L1 copy 7 as 7 150..160 allocation
    )"));
    writer.finish(1'000'000, 0);
    SessionReader reader(file());
    const auto colours = [&reader](Lane lane) {
        std::vector<int> found;
        for (const LaneBar& bar : reader.lane({lane, 0, 1'000'000, 1}))
            found.push_back(bar.colourKey);
        return found;
    };
    EXPECT_EQ(colours(Lane::CopyPrefetch), (std::vector<int>{1, 2, 3, 6, 1}));
    EXPECT_EQ(colours(Lane::CopyDemand), (std::vector<int>{0, 6}));
    EXPECT_EQ(colours(Lane::CopyOther), (std::vector<int>{4}));
}

TEST_F(LaneTest, bytesPerBucketAddUp) {
    SessionWriter writer(file(), m_run.info());
    write(writer, 41);
    writer.finish(m_run.now(), 0);
    SessionReader reader(file());
    auto lanes = spansOf(m_batches);
    const Lane kinds[] = {Lane::CopyDemand, Lane::CopyPrefetch, Lane::CopyOther};
    for (int buckets : {1, 7, 300}) {
        const TimeNs end = m_run.now();
        const auto found = reader.linkBytes(0, end, buckets);
        ASSERT_EQ(found.size(), static_cast<std::size_t>(buckets));
        const TimeNs slack = end / buckets / 2;
        for (std::size_t kind = 0; kind < 3; ++kind) {
            std::int64_t sum = 0;
            for (const auto& bucket : found) {
                sum += bucket.bytes[kind];
                // Up to an edge the sum is that of the copies, but for those that a merged bar may have moved over it.
                double before = 0, near = 0;
                for (const Span& span : lanes[kinds[kind]]) {
                    const double share = static_cast<double>(std::clamp(bucket.end, span.begin, span.end) - span.begin) /
                                         static_cast<double>(span.end - span.begin);
                    before += share * static_cast<double>(span.bytes);
                    if (span.end >= bucket.end - slack && span.begin <= bucket.end + slack)
                        near += static_cast<double>(span.bytes);
                }
                ASSERT_NEAR(static_cast<double>(sum), before, near + 1);
            }
            std::int64_t total = 0;
            for (const Span& span : lanes[kinds[kind]])
                total += span.bytes;
            EXPECT_EQ(sum, total);
        }
    }
    EXPECT_TRUE(reader.linkBytes(5, 5, 10).empty());
    EXPECT_TRUE(reader.linkBytes(0, 5, 0).empty());
}

} // namespace
} // namespace moescope::session
