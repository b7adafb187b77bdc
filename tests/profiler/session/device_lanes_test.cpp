#include "profiler/session/columns.h"
#include "profiler/session/lane_items.h"
#include "profiler/session/session_reader.h"
#include "profiler/session/session_writer.h"
#include "tests/support/session_fixture.h"
#include "tests/support/synthetic_run.h"

#include <sqlite3.h>

namespace moescope::session {
namespace {

using namespace trace;

constexpr int kEach = 300;

class DeviceLanes : public test::SessionFolder {
protected:
    /// Copies to the device of 10 bytes, every third an expert's, fills of 3, kernels of two names, a microsecond each; and
    /// experts of 7 bytes run in place.
    void write() {
        test::SyntheticRun run({});
        SessionWriter writer(file(), run.info());
        Batch batch;
        batch.number = 1;
        std::int64_t seq = 1;
        for (int i = 0; i < kEach; ++i) {
            GpuCopySpan copy;
            copy.begin = i * 4000;
            copy.end = copy.begin + 1000;
            copy.bytes = 10;
            copy.direction = CopyDirection::HostToDevice;
            if (i % 3 == 0)
                copy.transfer = TransferId(i);
            else if (i % 3 == 1)
                copy.token = TokenIndex(i);
            batch.append(seq++, copy, {});
            copy.direction = CopyDirection::Fill;
            copy.bytes = 3;
            batch.append(seq++, copy, {});
            KernelSpan kernel;
            kernel.begin = copy.begin + 2000;
            kernel.end = kernel.begin + 1000;
            kernel.kernel = KernelId(i % 2);
            batch.append(seq++, kernel, {});
            batch.append(seq++, InPlaceSpan{kernel.end, kernel.end + 500, TokenIndex(i), expertKey(0, 1), 1, 7}, {});
        }
        batch.committedAt = kEach * 4000;
        writer.write(batch);
        writer.finish(batch.committedAt, 0);
    }
    void change(const std::string& sql) {
        sqlite3* db = nullptr;
        ASSERT_EQ(sqlite3_open(file().c_str(), &db), SQLITE_OK);
        EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
        sqlite3_close(db);
    }
    static std::pair<int, std::int64_t> sumOf(const std::vector<LaneBar>& bars) {
        std::pair<int, std::int64_t> sum;
        for (const LaneBar& bar : bars) {
            sum.first += bar.count;
            sum.second += bar.bytes;
        }
        return sum;
    }
};

TEST_F(DeviceLanes, holdEverySpanAtEveryResolution) {
    write();
    SessionReader reader(file());
    EXPECT_EQ(reader.verify(), std::vector<std::string>{});
    for (const TimeNs resolution : {1, 5'000, 100'000, 10'000'000}) {
        const auto lane = [&](Lane which) { return sumOf(reader.lane({which, 0, kEach * 4000, resolution})); };
        EXPECT_EQ(lane(Lane::ToDevice), std::pair(kEach, std::int64_t{kEach * 10}));
        EXPECT_EQ(lane(Lane::OtherDeviceCopies), std::pair(kEach, std::int64_t{kEach * 3}));
        EXPECT_EQ(lane(Lane::Kernels), std::pair(kEach, std::int64_t{0}));
        EXPECT_EQ(lane(Lane::InPlace), std::pair(kEach, std::int64_t{kEach * 7}));
    }
}

TEST_F(DeviceLanes, coloursSayWhatACopyWasForAndWhichKernelRan) {
    write();
    SessionReader reader(file());
    const auto copies = reader.lane({Lane::ToDevice, 0, kEach * 4000, 1});
    const auto kernels = reader.lane({Lane::Kernels, 0, kEach * 4000, 1});
    ASSERT_EQ(copies.size(), static_cast<std::size_t>(kEach));
    ASSERT_EQ(kernels.size(), static_cast<std::size_t>(kEach));
    for (int i = 0; i < kEach; ++i) {
        EXPECT_EQ(copies[static_cast<std::size_t>(i)].colourKey, i % 3) << i; // expert, in a pass, outside
        EXPECT_EQ(kernels[static_cast<std::size_t>(i)].colourKey, i % 2) << i;
    }
}

TEST_F(DeviceLanes, aSessionOfTheFirstFormatHasNone) {
    test::SyntheticRun run({});
    {
        SessionWriter writer(file(), run.info());
        Batch batch;
        batch.number = 1;
        batch.append(1, NoteMade{5, {}}, asPayload("As it was."));
        batch.committedAt = 9;
        writer.write(batch);
        writer.finish(9, 0);
    }
    std::string sql = "PRAGMA user_version = 1; DELETE FROM session_info WHERE name LIKE 'tracer.%';";
    for (std::size_t kind = kFirstFormatTables; kind < kEventTables.size(); ++kind)
        sql += "DROP TABLE " + std::string(kEventTables[kind]) + ";";
    change(sql);
    SessionReader reader(file());
    EXPECT_EQ(reader.info().tracer.level, 0);
    EXPECT_EQ(reader.info().tracer.status, "");
    EXPECT_EQ(reader.verify(), std::vector<std::string>{});
    EXPECT_TRUE(reader.lane({Lane::Kernels, 0, 100, 1}).empty());
    const auto batch = reader.next();
    ASSERT_TRUE(batch);
    EXPECT_EQ(batch->records.size(), 1U);
}

TEST_F(DeviceLanes, readingsOfCountersAreBytesAndShares) {
    {
        test::SyntheticRun run({});
        SessionWriter writer(file(), run.info());
        Batch batch;
        batch.number = 1;
        for (int i = 0; i < kEach; ++i)
            batch.append(i + 1, CounterSample{i * 1000, (i + 1) * 1000, 50, 2, 10, 15, 40, i % 2 == 0 ? 100.0F : -3.0F}, {});
        batch.committedAt = kEach * 1000;
        writer.write(batch);
        writer.finish(batch.committedAt, 0);
    }
    SessionReader reader(file());
    EXPECT_EQ(reader.verify(), std::vector<std::string>{});
    for (const TimeNs resolution : {1, 5'000, 100'000, 10'000'000}) {
        const auto bars = [&](Lane lane) { return reader.lane({lane, 0, kEach * 1000, resolution}); };
        const auto busy = [&](Lane lane) {
            TimeNs sum = 0;
            for (const LaneBar& bar : bars(lane))
                sum += bar.busyNs;
            return sum;
        };
        EXPECT_EQ(sumOf(bars(Lane::LinkIn)), std::pair(kEach, std::int64_t{kEach * 50}));
        EXPECT_EQ(sumOf(bars(Lane::LinkOut)), std::pair(kEach, std::int64_t{kEach * 2}));
        EXPECT_EQ(busy(Lane::MemoryBusy), kEach * 250);
        EXPECT_EQ(busy(Lane::Multiprocessors), kEach * 400);
        EXPECT_EQ(busy(Lane::TensorPipes), kEach / 2 * 1000);
    }
    using Source = SessionReader::LinkSource;
    std::int64_t in = 0;
    for (const auto& bucket : reader.linkBytes(0, kEach * 1000, 7, Source::Counters))
        in += bucket.bytes[0];
    EXPECT_EQ(in, kEach * 50);
    for (const auto& bucket : reader.linkBytes(0, kEach * 1000, 7, Source::Copies))
        EXPECT_EQ(bucket.bytes[0], 0);
}

TEST_F(DeviceLanes, theLinkMayBeReadFromTheDevicesCopies) {
    write();
    SessionReader reader(file());
    std::int64_t bytes = 0;
    for (const auto& bucket : reader.linkBytes(0, kEach * 4000, 11, SessionReader::LinkSource::Copies))
        bytes += bucket.bytes[0];
    EXPECT_EQ(bytes, kEach * 10);
}

TEST_F(DeviceLanes, aTableOfAnotherShapeIsRefused) {
    write();
    change("DROP TABLE gpu_sample; CREATE TABLE gpu_sample(seq INTEGER PRIMARY KEY, watts TEXT)");
    EXPECT_THROW(SessionReader reader(file()), std::runtime_error);
}

} // namespace
} // namespace moescope::session
