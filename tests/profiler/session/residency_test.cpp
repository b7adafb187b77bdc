#include "profiler/session/residency.h"

#include "profiler/session/overview_builder.h"
#include "profiler/session/session_writer.h"
#include "tests/support/event_script.h"
#include "tests/support/session_fixture.h"

#include <map>

namespace moescope::session {
namespace {

using namespace trace;

class ResidencyTest : public test::SessionFolder {};

TEST_F(ResidencyTest, followsWhatHappened) {
    SessionWriter writer(file(), test::SyntheticRun({}).info());
    writer.write(test::eventScript(R"(
        L1 miss 3
        L1 copy 3 as 0 10..20
        L2 prefetch 5 as 1
        L2 copy 5 as 1 20..30 prefetch cancelled
        L1 evict 3 for 4
        L4 hit 7
        L1 prefetch 4 as 2
    )"));
    writer.finish(1'000'000, 0);
    SessionReader reader(file());
    const auto at = [&reader](std::int64_t seq, int layer, int expert) {
        return int{reader.residencyAt(seq).state[static_cast<std::size_t>(layer * 8 + expert)]};
    };
    EXPECT_EQ(at(0, 1, 3), 0);
    EXPECT_EQ(at(1, 1, 3), 1);
    EXPECT_EQ(at(2, 1, 3), 2);
    EXPECT_EQ(at(3, 2, 5), 1);
    EXPECT_EQ(at(4, 2, 5), 0);
    EXPECT_EQ(at(4, 1, 3), 2);
    EXPECT_EQ(at(5, 1, 3), 0);
    EXPECT_EQ(at(6, 4, 7), 2);
    EXPECT_EQ(at(7, 1, 4), 1);
    EXPECT_EQ(at(1000, 1, 4), 1) << "beyond the end is the end";
}

TEST_F(ResidencyTest, aKeyframeAndATailEqualTheWholeStory) {
    test::SyntheticRun run({6, 33, 2, 9, true}); // 198 cells: the last byte of a keyframe is not full
    SessionWriter writer(file(), run.info());
    std::vector<Record> records;
    std::int64_t seq = 1;
    for (int number = 1; number <= 20; ++number) {
        const Batch batch = run.batch(number, seq, 1500);
        seq = batch.records.back().seq + 1;
        records.insert(records.end(), batch.records.begin(), batch.records.end());
        writer.write(batch);
    }
    writer.finish(run.now(), 0);
    SessionReader reader(file());
    std::map<std::int64_t, std::vector<std::uint8_t>> expected;
    std::vector<std::uint8_t> state(6 * 33);
    const auto cell = [&state](const ExpertKey& key) -> std::uint8_t& {
        return state[static_cast<std::size_t>(key.layer.value * 33 + key.expert.value)];
    };
    for (const Record& record : records) {
        if (const auto* hit = std::get_if<ExpertHit>(&record.event))
            cell(hit->key) = 2;
        else if (const auto* miss = std::get_if<ExpertMissed>(&record.event))
            cell(miss->key) = 1;
        else if (const auto* issued = std::get_if<PrefetchIssued>(&record.event))
            cell(issued->key) = 1;
        else if (const auto* evicted = std::get_if<ExpertEvicted>(&record.event))
            cell(evicted->key) = 0;
        else if (const auto* copy = std::get_if<TransferSpan>(&record.event))
            cell(copy->key) = 2;
        if (record.seq % 331 == 0 || record.seq % 4096 <= 1 || record.seq == seq - 1)
            expected[record.seq] = state;
    }
    for (const auto& [at, grid] : expected) {
        const ResidencyGrid found = reader.residencyAt(at);
        ASSERT_EQ(found.seq, at);
        ASSERT_EQ(found.layers, 6);
        ASSERT_EQ(found.experts, 33);
        ASSERT_EQ(found.state, grid) << "at " << at;
    }
}

TEST(ResidencyPacking, roundTripsAndRefusesWhatCannotBe) {
    ResidencyGrid grid = emptyResidency(3, 3);
    grid.state = {0, 1, 2, 2, 1, 0, 0, 2, 1};
    auto packed = packResidency(grid);
    EXPECT_EQ(packed.size(), 3u);
    EXPECT_EQ(unpackResidency(packed, 9), grid.state);
    EXPECT_FALSE(unpackResidency(packed, 8 + 8));
    packed[1] |= std::byte{3};
    EXPECT_FALSE(unpackResidency(packed, 9)) << "3 is no state";
}

TEST(KeyframeInterval, growsWithTheGrid) {
    EXPECT_EQ(keyframeInterval(8, 8), 4096);
    EXPECT_EQ(keyframeInterval(61, 256), 7808);
}

} // namespace
} // namespace moescope::session
