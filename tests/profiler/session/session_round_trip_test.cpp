#include "engine/trace/routing_payload.h"
#include "profiler/session/session_reader.h"
#include "profiler/session/session_writer.h"
#include "tests/support/event_script.h"
#include "tests/support/session_fixture.h"

#include <sqlite3.h>

#include <set>

namespace moescope::session {
namespace {

using namespace trace;
using test::SyntheticRun;
using test::texts;

class SessionRoundTrip : public test::SessionFolder {
protected:
    static std::string query(const std::filesystem::path& path, const char* sql) {
        sqlite3* db = nullptr;
        EXPECT_EQ(sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READONLY, nullptr), SQLITE_OK);
        sqlite3_stmt* statement = nullptr;
        EXPECT_EQ(sqlite3_prepare_v2(db, sql, -1, &statement, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
        std::string out;
        while (sqlite3_step(statement) == SQLITE_ROW)
            for (int i = 0; i < sqlite3_column_count(statement); ++i) {
                const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, i));
                out.append(out.empty() ? "" : "|").append(text ? text : "NULL");
            }
        sqlite3_finalize(statement);
        sqlite3_close(db);
        return out;
    }
};

/// Every kind with unusual values: nothing set, extremes, empty and broken text.
Batch everyKind() {
    Batch batch;
    batch.number = 1;
    batch.committedAt = 99'000'000'000'000;
    std::int64_t seq = 1;
    const auto put = [&](const Event& event, std::string_view payload = {}) { batch.append(seq++, event, asPayload(payload)); };
    put(PromptBegan{0, TurnIndex(0), TokenIndex(0), 5, 2, 512}, "What is \"it\"? \xc3\xa9");
    put(TokenPrompted{1, TurnIndex(0), TokenIndex(3), 2147483647}, "\xe2\x82");
    put(TokenEmitted{72'000'000'000'000, TurnIndex(9), TokenIndex(4), -1, -12.345F, 400}, std::string_view("a\0b", 3));
    put(TokenEmitted{3, TurnIndex(), TokenIndex(), 0, 0.0F, 0});
    put(AnswerEnded{4, TurnIndex(0), EndReason::Failed, 7, -5});
    ExpertsChosen chosen{5, TokenIndex(6), Layer(3), Phase::Prefill, 2, 1, 2, 8};
    std::vector<std::byte> routing(routingPayloadBytes(chosen));
    const std::vector<std::uint16_t> ids = {7, 0};
    const std::vector<float> weights = {0.75F, 0.25F};
    encodeRouting(chosen, ids, weights, std::vector<float>(8, 0.125F), std::vector<float>(16, 0.0625F), routing);
    batch.append(seq++, chosen, routing);
    put(ExpertHit{6, TokenIndex(6), expertKey(7, 7)});
    put(ExpertMissed{7, TokenIndex(6), expertKey(0, 0), true});
    put(ExpertEvicted{8, TokenIndex(6), expertKey(1, 2), EvictionCause::Budget, {}});
    put(ExpertEvicted{8, TokenIndex(6), expertKey(1, 2), EvictionCause::Prefetch, expertKey(2, 3)});
    put(PrefetchIssued{9, TokenIndex(6), expertKey(1, 1), TransferId(0), 3, 0.1F});
    put(PrefetchResolved{10, TokenIndex(6), expertKey(1, 1), TransferId(0), true});
    put(TransferSpan{11, 12, 3, TokenIndex(6), expertKey(1, 1), TransferId(0), TransferCause::Prefetch,
                     TransferOutcome::Cancelled, true, std::int64_t{1} << 40});
    put(TransferSpan{
        -20, -10, 0, TokenIndex(), {}, TransferId(), TransferCause::Allocation, TransferOutcome::Completed, false, 0});
    put(StageSpan{13, 1'000'000'000'000, TokenIndex(6), 512, Layer(), Stage::Sample, Phase::Prefill});
    put(StallSpan{14, 15, TokenIndex(6), expertKey(4, 4), TransferId(2147483647)});
    put(SettingChanged{16, TokenIndex(6)}, std::string_view("gate\0topk\0adapmoe", 17));
    put(SettingChanged{16, TokenIndex(6)}, std::string_view("title\0\0", 7));
    put(SlotsAllocated{17, Layer(), 64});
    put(HostSample{18, std::int64_t{3} << 32, 199.5F, -1});
    put(EventsLost{19, 123456789012});
    put(NoteMade{20, TokenIndex()}, "The cache was too small; it has now 16 slots.");
    put(RunFailed{21}, "The model's file was taken away.");
    put(KernelNamed{22, KernelId(0)}, "expertGateUp<8, float>");
    put(GpuCopySpan{23, 24, std::int64_t{1} << 40, TokenIndex(6), expertKey(4, 4), TransferId(3), 14, 4294967295U,
                    Stage::Experts, CopyDirection::HostToDevice, MemoryKind::Pinned, MemoryKind::Device});
    put(GpuCopySpan{23,
                    24,
                    4,
                    TokenIndex(),
                    {},
                    TransferId(),
                    -1,
                    0,
                    Stage::Step,
                    CopyDirection::Other,
                    MemoryKind::Managed,
                    MemoryKind::Unknown});
    put(KernelSpan{25, 26, TokenIndex(6), {Layer(2), {}}, KernelId(0), 7, 2147483647, 1024, 9, 255, Stage::Attention, true});
    put(GpuWaitSpan{27, 28, TokenIndex(6), {Layer(2), {}}, 7, 9, Stage::Router, WaitKind::Stream});
    put(ClockAligned{29, -1'700'000'000'000'000'000, 412, 8100});
    put(TracerSample{30, 123456, 789, 4321, 3});
    put(RecordsLost{31, 32, 5, LossCause::HostBuffers});
    put(OverheadMeasured{33, 1'000'000, 1'010'000, 5, 64, -0.01F, 0.02F, 2});
    put(GpuSample{34, std::int64_t{1} << 36, 99.0F, 12.0F, 345.6F, 1980, 5, 16});
    put(InPlaceSpan{35, 36, TokenIndex(6), expertKey(4, 4), 3, std::int64_t{1} << 37});
    put(CounterSample{34, 35, 55'000'000, 512, 12.5F, 0.25F, 98.5F, 3.0F});
    return batch;
}

TEST_F(SessionRoundTrip, everyKindComesBackAsItWas) {
    SyntheticRun run({});
    const Batch before = everyKind();
    std::set<std::size_t> kinds;
    for (const Record& record : before.records)
        kinds.insert(record.event.index());
    ASSERT_EQ(kinds.size(), std::variant_size_v<Event>) << "a kind is missing in this test";
    SessionWriter writer(file(), run.info());
    writer.write(before);
    writer.finish(before.committedAt, 123456789012);
    SessionReader reader(file());
    const auto after = reader.next();
    ASSERT_TRUE(after);
    EXPECT_EQ(texts(*after), texts(before));
    EXPECT_EQ(after->number, 1);
    EXPECT_EQ(after->committedAt, before.committedAt);
    EXPECT_FALSE(reader.next());
    EXPECT_EQ(reader.verify(), std::vector<std::string>{});
}

TEST_F(SessionRoundTrip, factsComeBackAsTheyWere) {
    SyntheticRun run({});
    SessionInfo info = run.info();
    info.title = "Über allen Gipfeln";
    info.build = "g++ 12.2 -O2";
    info.origin = Origin::Simulated;
    info.model.synthetic = true;
    info.model.parameters = 46'702'792'704;
    info.machine = {"A processor",
                    "Debian 12",
                    "CPU, 2 threads",
                    2,
                    std::int64_t{24} << 30,
                    std::int64_t{80} << 30,
                    "dense weights=900, KV cache and scratch=80",
                    "pinned"};
    info.settings = {{"gate", "topk"}, {"cache", "lru"}, {"gate-threshold", "0.25"}, {"empty", ""}};
    info.sensitivity.assign(static_cast<std::size_t>(info.model.layers), 1.0 / 3);
    info.sensitivity.back() = 12345.678;
    info.seed = 0xfedcba9876543210u;
    info.continues = "ffff";
    info.tracer = {3, "A tracer.", 1'000'000, "Counters."};
    {
        SessionWriter writer(file(), info);
        writer.write(run.batch(1, 1, 10));
        writer.finish(12345, 6);
    }
    const SessionInfo back = SessionReader(file()).info();
    EXPECT_EQ(back.id, info.id);
    EXPECT_EQ(back.title, info.title);
    EXPECT_EQ(back.build, info.build);
    EXPECT_EQ(back.origin, info.origin);
    EXPECT_EQ(back.model.name, info.model.name);
    EXPECT_TRUE(back.model.synthetic);
    EXPECT_EQ(back.model.parameters, info.model.parameters);
    EXPECT_EQ(back.machine.processor, info.machine.processor);
    EXPECT_EQ(back.machine.memoryBytes, info.machine.memoryBytes);
    EXPECT_EQ(back.machine.deviceBytes, info.machine.deviceBytes);
    EXPECT_EQ(back.machine.devicePlan, info.machine.devicePlan);
    EXPECT_EQ(back.machine.hostMemory, "pinned");
    EXPECT_EQ(back.tracer.countersNs, 1'000'000);
    EXPECT_EQ(back.tracer.counters, "Counters.");
    EXPECT_EQ(back.settings, info.settings);
    EXPECT_EQ(back.sensitivity, info.sensitivity) << "to the last bit";
    EXPECT_EQ(back.seed, info.seed);
    EXPECT_EQ(back.continues, "ffff");
    EXPECT_EQ(back.endedNs, 12345);
    EXPECT_EQ(back.eventsLost, 6);
    EXPECT_TRUE(back.finished());
}

TEST_F(SessionRoundTrip, batchesRangesAndTimes) {
    SyntheticRun run({});
    std::vector<std::string> written;
    std::vector<Batch> batches;
    SessionWriter writer(file(), run.info());
    std::int64_t seq = 1;
    for (int number = 1; number <= 30; ++number) {
        batches.push_back(run.batch(number, seq, 100));
        seq = batches.back().records.back().seq + 1;
        writer.write(batches.back());
        for (const std::string& one : texts(batches.back()))
            written.push_back(one);
    }
    writer.finish(run.now(), 0);

    SessionReader reader(file());
    EXPECT_EQ(reader.lastSeq(), seq - 1);
    EXPECT_EQ(reader.lastTime(), batches.back().committedAt);
    EXPECT_EQ(texts(reader.read(1, seq)), written);
    const Batch middle = reader.read(500, 777);
    EXPECT_EQ(texts(middle), std::vector<std::string>(written.begin() + 499, written.begin() + 777));
    EXPECT_TRUE(reader.read(10, 9).records.empty());
    for (const Batch& expected : batches) {
        const auto got = reader.next();
        ASSERT_TRUE(got);
        EXPECT_EQ(got->number, expected.number);
        EXPECT_EQ(texts(*got), texts(expected));
    }
    EXPECT_FALSE(reader.next());

    for (const Batch& wanted : {batches[0], batches[7], batches[29]}) {
        reader.seek(wanted.records[wanted.records.size() / 2].seq);
        const auto got = reader.next();
        ASSERT_TRUE(got);
        EXPECT_EQ(got->number, wanted.number);
    }
    reader.seek(seq);
    EXPECT_FALSE(reader.next());

    const Batch all = reader.read(1, seq);
    EXPECT_EQ(reader.seqAt(-1), 0);
    EXPECT_EQ(reader.seqAt(run.now() + 1), seq - 1);
    for (std::size_t i = 0; i < all.records.size(); i += 97) {
        const TimeNs at = timeOf(all.records[i].event);
        std::int64_t expected = 0;
        for (const Record& record : all.records)
            if (timeOf(record.event) <= at)
                expected = record.seq;
        EXPECT_EQ(reader.seqAt(at), expected);
    }
}

TEST_F(SessionRoundTrip, peopleCanReadItWithSqlite) {
    SessionWriter writer(file(), SyntheticRun({}).info());
    writer.write(test::eventScript(R"(
        prompt "Tell me" 1; prompted 5 " Tell"
        token 0; L3 picks 5,2; hit 5; miss 2; copy 2 as 0 100..300 queued 50; attention 10..20
        emit 7 " Once"; emit 8 " upon"; end
    )"));
    writer.finish(1'000'000, 0);
    EXPECT_EQ(query(file(), "SELECT token_id, text FROM token_emitted ORDER BY seq"), "7| Once|8| upon");
    EXPECT_EQ(query(file(), "SELECT speaker, text FROM conversation"), "user|Tell me|model| Once upon");
    EXPECT_EQ(query(file(), "SELECT layer, phase, candidates, first_expert FROM router_choice"), "3|decode|2|5");
    EXPECT_EQ(query(file(), "SELECT expert, result FROM cache_access"), "5|hit|2|miss");
    EXPECT_EQ(query(file(), "SELECT begin_ns, end_ns, queue_wait_ms, cause, outcome FROM transfer"),
              "100000|300000|0.05|demand|completed");
    EXPECT_EQ(query(file(), "SELECT begin_ns, end_ns, layer, stage FROM stage"), "10000|20000|3|attention");
    EXPECT_EQ(query(file(), "PRAGMA user_version"), "3");
    EXPECT_EQ(query(file(), "PRAGMA application_id"), std::to_string(kApplicationId));
    EXPECT_EQ(query(file(), "PRAGMA journal_mode"), "delete");
    EXPECT_EQ(
        query(file(), "SELECT group_concat(name, ' ') FROM (SELECT name FROM sqlite_schema WHERE type = 'table')"),
        "prompt_began token_prompted token_emitted answer_ended experts_chosen expert_hit expert_missed expert_evicted "
        "prefetch_issued prefetch_resolved transfer_span stage_span stall_span setting_changed slots_allocated host_sample "
        "events_lost note_made run_failed gpu_copy_span kernel_span kernel_named gpu_wait_span clock_aligned tracer_sample "
        "records_lost overhead_measured gpu_sample in_place_span counter_sample batch session_info enumeration lod_bar "
        "residency_keyframe");
}

TEST_F(SessionRoundTrip, costsLittleDisk) {
    SyntheticRun run({});
    SessionWriter writer(file(), run.info());
    std::int64_t seq = 1;
    for (int number = 1; seq < 24'000; ++number) {
        const Batch batch = run.batch(number, seq, 1000);
        seq = batch.records.back().seq + 1;
        writer.write(batch);
    }
    writer.finish(run.now(), 0);
    const double perEvent = static_cast<double>(std::filesystem::file_size(file())) / static_cast<double>(seq - 1);
    RecordProperty("bytes_per_event", std::to_string(perEvent));
    std::printf("%.1f bytes per event over %lld events\n", perEvent, static_cast<long long>(seq - 1));
    EXPECT_LE(perEvent, 50);
}

TEST_F(SessionRoundTrip, refusesToOverwriteAndToGoOnAfterTheEnd) {
    SyntheticRun run({});
    SessionWriter writer(file(), run.info());
    EXPECT_THROW(SessionWriter(file(), run.info()), std::runtime_error);
    writer.write(run.batch(1, 1, 10));
    writer.finish(1, 0);
    EXPECT_THROW(writer.write(run.batch(2, 100, 10)), std::runtime_error);
}

} // namespace
} // namespace moescope::session
