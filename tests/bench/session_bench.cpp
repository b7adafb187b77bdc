// What recording and reading cost, in the mixture of events that a decode makes. Prints figures; ctest does not run it.
#include "profiler/record/byte_ring.h"
#include "profiler/record/recorder.h"
#include "profiler/session/session_reader.h"
#include "profiler/session/session_writer.h"
#include "tests/support/synthetic_run.h"

#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

namespace {

using namespace moescope;
using Clock = std::chrono::steady_clock;

double seconds(Clock::time_point from) {
    return std::chrono::duration<double>(Clock::now() - from).count();
}

double cpuSeconds() {
    rusage usage{};
    getrusage(RUSAGE_THREAD, &usage);
    const auto time = [](const timeval& t) { return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec); };
    return time(usage.ru_utime) + time(usage.ru_stime);
}

std::vector<session::Batch> makeBatches(test::SyntheticRun& run, std::size_t events, std::size_t perBatch) {
    std::vector<session::Batch> batches;
    std::int64_t seq = 1;
    while (static_cast<std::size_t>(seq) <= events) {
        batches.push_back(run.batch(static_cast<std::int64_t>(batches.size()) + 1, seq, perBatch));
        seq = batches.back().records.back().seq + 1;
    }
    return batches;
}

void writeAndRead(const std::filesystem::path& folder, std::size_t events, std::size_t perBatch) {
    test::SyntheticRun run({});
    const auto batches = makeBatches(run, events, perBatch);
    const auto count = static_cast<double>(batches.back().records.back().seq);
    const auto path = folder / ("bench-" + std::to_string(perBatch) + ".moescope");
    std::filesystem::remove(path);
    const auto begin = Clock::now();
    const double cpuBegin = cpuSeconds();
    {
        session::SessionWriter writer(path, run.info());
        for (const session::Batch& batch : batches)
            writer.write(batch);
        const double cpu = cpuSeconds() - cpuBegin;
        std::printf("write   %7.0f events, batches of %4zu: %.3f us/event wall, %.3f us/event of this thread\n", count,
                    perBatch, 1e6 * seconds(begin) / count, 1e6 * cpu / count);
        writer.finish(run.now(), 0);
    }
    std::printf("        %.1f bytes/event\n", static_cast<double>(std::filesystem::file_size(path)) / count);

    auto from = Clock::now();
    session::SessionReader reader(path);
    std::printf("open    %.2f ms\n", 1e3 * seconds(from));
    from = Clock::now();
    std::size_t read = 0;
    while (const auto batch = reader.next())
        read += batch->records.size();
    std::printf("next()  %.2f M events/s\n", 1e-6 * static_cast<double>(read) / seconds(from));
    from = Clock::now();
    read = 0;
    for (std::int64_t seq = 1; seq <= reader.lastSeq(); seq += 100'000)
        read += reader.read(seq, seq + 99'999).records.size();
    std::printf("read()  %.2f M events/s\n", 1e-6 * static_cast<double>(read) / seconds(from));
    const char* names[] = {"tokens", "layers", "stages", "demand", "prefetch", "stalls", "other"};
    for (int lane = 0; lane < 7; ++lane) {
        const trace::TimeNs end = reader.lastTime();
        from = Clock::now();
        const auto whole = reader.lane({static_cast<session::Lane>(lane), 0, end, end / 1600}).size();
        const double wholeMs = 1e3 * seconds(from);
        from = Clock::now();
        const auto part = reader.lane({static_cast<session::Lane>(lane), end / 2, end / 2 + end / 100, end / 160'000}).size();
        std::printf("lane    %-8s whole %.2f ms, %zu bars; 1 %% of it %.2f ms, %zu bars\n", names[lane], wholeMs, whole,
                    1e3 * seconds(from), part);
    }
    from = Clock::now();
    reader.linkBytes(0, reader.lastTime(), 800);
    std::printf("link    800 buckets in %.2f ms\n", 1e3 * seconds(from));
    from = Clock::now();
    for (int i = 1; i <= 20; ++i)
        reader.residencyAt(reader.lastSeq() * i / 20);
    std::printf("residencyAt %.2f ms, seqAt ", 1e3 * seconds(from) / 20);
    from = Clock::now();
    for (int i = 1; i <= 20; ++i)
        reader.seqAt(reader.lastTime() * i / 20);
    std::printf("%.2f ms\n", 1e3 * seconds(from) / 20);
    from = Clock::now();
    const auto complaints = reader.verify();
    std::printf("verify  %.2f s, %zu complaints\n", seconds(from), complaints.size());
}

void emitCost() {
    record::ByteRing ring(8u << 20);
    const trace::Event event = trace::StageSpan{1, 2, trace::TokenIndex(3), 1, trace::Layer(4), trace::Stage::Router};
    constexpr int kEvents = 60'000;
    double best = 1e9;
    for (int round = 0; round < 20; ++round) {
        const auto begin = Clock::now();
        for (int i = 0; i < kEvents; ++i)
            ring.push(event, {});
        best = std::min(best, 1e9 * seconds(begin) / kEvents);
        ring.look();
        for (record::ByteRing::Entry entry; ring.front(entry);)
            ring.pop();
    }
    std::printf("emit    %.1f ns\n", best);
}

/// A producer at the rate of a fast decode, the recorder, and a reader that follows, each on its thread.
void recordAndFollow(const std::filesystem::path& folder, double wantedSeconds, double eventsPerSecond) {
    const auto path = folder / "follow.moescope";
    std::filesystem::remove(path);
    const trace::SteadyClock clock;
    test::SyntheticRun run({});
    record::Recorder::Options options;
    options.path = path;
    options.info = run.info();
    record::Recorder recorder(options, clock);
    trace::Tracer& tracer = recorder.openProducer("engine");
    std::atomic<bool> ended{false};
    double readerCpu = 0;
    std::size_t followed = 0;
    std::size_t batches = 0;
    std::thread follower([&] {
        session::SessionReader reader(path);
        const double begin = cpuSeconds();
        for (bool last = false; !last;) {
            last = ended.load();
            reader.refresh();
            while (const auto batch = reader.next()) {
                followed += batch->records.size();
                ++batches;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(15));
        }
        readerCpu = cpuSeconds() - begin;
    });
    rusage before{};
    getrusage(RUSAGE_SELF, &before);
    const double producerBegin = cpuSeconds();
    const auto begin = Clock::now();
    std::size_t emitted = 0;
    const auto emit = [&](const trace::Event& event, trace::Payload payload) {
        tracer.emit(event, payload);
        ++emitted;
    };
    run.prompt(12, emit);
    while (seconds(begin) < wantedSeconds) {
        run.token(emit);
        const double due = static_cast<double>(emitted) / eventsPerSecond;
        if (const double early = due - seconds(begin); early > 0.001)
            std::this_thread::sleep_for(std::chrono::duration<double>(early));
    }
    const double took = seconds(begin);
    const double producerCpu = cpuSeconds() - producerBegin;
    recorder.flush();
    ended = true;
    follower.join();
    rusage after{};
    getrusage(RUSAGE_SELF, &after);
    const auto time = [](const timeval& t) { return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec); };
    const double all = time(after.ru_utime) + time(after.ru_stime) - time(before.ru_utime) - time(before.ru_stime);
    const std::int64_t lost = recorder.finish();
    const double recorderCpu = all - producerCpu - readerCpu;
    std::printf("live    %.0f events/s for %.1f s: recorder %.1f %% of a core (%.2f us/event), follower %.1f %% (%zu batches, "
                "%zu events), %lld lost\n",
                static_cast<double>(emitted) / took, took, 100 * recorderCpu / took,
                1e6 * recorderCpu / static_cast<double>(emitted), 100 * readerCpu / took, batches, followed,
                static_cast<long long>(lost));
}

} // namespace

int main(int argc, char** argv) {
    const std::filesystem::path folder = argc > 1 ? argv[1] : std::filesystem::temp_directory_path();
    const std::size_t events = argc > 2 ? static_cast<std::size_t>(std::atoll(argv[2])) : 600'000;
    emitCost();
    writeAndRead(folder, events, 1200);
    writeAndRead(folder, events / 4, 60);
    recordAndFollow(folder, 5, 60'000);
    recordAndFollow(folder, 5, 12'000);
}
