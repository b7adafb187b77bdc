#include "profiler/record/recorder.h"

#include "profiler/record/host_sampler.h"
#include "profiler/record/ring_drain.h"
#include "profiler/session/session_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <thread>

namespace moescope::record {
namespace {

using std::chrono::milliseconds;
using SteadyTime = std::chrono::steady_clock::time_point;

// What may wait in memory while the disk is full; after that the rings fill up and count what they lose.
constexpr std::size_t kMostWaitingBytes = 64u << 20;
constexpr milliseconds kRetry{1000};
constexpr milliseconds kSampleEvery{500};

std::string freshId() {
    std::random_device random;
    std::string id;
    for (int i = 0; i < 4; ++i)
        id += fmt::format("{:08x}", random());
    return id;
}

/// `run.moescope` -> `run-2.moescope`, or the next number that is free in the folder.
std::filesystem::path continuation(const std::filesystem::path& path, const std::filesystem::path& folder) {
    for (int number = 2;; ++number) {
        auto next = folder / fmt::format("{}-{}{}", path.stem().string(), number, path.extension().string());
        if (!std::filesystem::exists(next))
            return next;
    }
}

} // namespace

struct Recorder::State {
    State(Options given, const trace::Clock& theClock, OnTrouble tell)
        : options(std::move(given)), clock(theClock), onTrouble(std::move(tell)), path(options.path),
          writer(std::make_unique<session::SessionWriter>(options.path, options.info, session::WriteLimits{options.maxPages})),
          lastSample(std::chrono::steady_clock::now()) {}

    void run();
    void cycle(bool everything);
    void collect(bool everything);
    void append(const trace::Event& event, trace::Payload payload = {});
    void remember(std::size_t fromRecord);
    void sampleHost(trace::TimeNs now);
    void store(bool evenInTrouble);
    void tell();
    void end();
    void beginContinuation(const std::filesystem::path& folder);

    Options options;
    const trace::Clock& clock;
    OnTrouble onTrouble;

    std::mutex producers; // guards tracers and fresh
    std::vector<std::unique_ptr<RingTracer>> tracers;
    std::vector<RingTracer*> fresh; // opened, not yet known to the drain
    std::atomic<bool> open{true};

    // Lock order: writing before control.
    mutable std::mutex control; // guards what follows, up to the next group
    std::condition_variable wake, flushed;
    std::uint64_t flushWanted = 0;
    std::uint64_t flushDone = 0;
    bool stop = false;
    std::string trouble; // why nothing can be written at present
    std::filesystem::path path;
    std::atomic<std::int64_t> lost{0};

    std::mutex writing; // guards what follows; held while the drain thread works
    std::unique_ptr<session::SessionWriter> writer;
    RingDrain drain;
    HostSampler sampler;
    session::Batch waiting; // collected, not yet in the file
    std::int64_t nextSeq = 1;
    std::int64_t nextBatch = 1;
    trace::TimeNs lastCommit = 0;
    std::int64_t lostTold = 0;
    std::int64_t lostBefore = 0; // in the sessions that this one continues
    SteadyTime lastSample;
    bool activity = false; // since the last sample
    bool answered = false; // since the last sample: a short run has no other
    SteadyTime retryAt{};
    std::map<std::int32_t, trace::SlotsAllocated> slots; // by layer: what a continuation begins with

    std::string told; // drain thread only
    std::thread thread;
    std::once_flag ended;
};

void Recorder::State::run() {
    std::unique_lock lock(control);
    for (;;) {
        wake.wait_for(lock, milliseconds(options.intervalMs), [this] { return stop || flushWanted != flushDone; });
        const std::uint64_t flush = flushWanted;
        const bool everything = flush != flushDone;
        const bool last = stop;
        lock.unlock();
        if (last) {
            end();
            tell();
            lock.lock();
            flushDone = flushWanted;
            flushed.notify_all();
            return;
        }
        cycle(everything);
        tell();
        lock.lock();
        flushDone = flush;
        flushed.notify_all();
    }
}

void Recorder::State::cycle(bool everything) {
    const std::lock_guard lock(writing);
    collect(everything);
    store(everything);
}

void Recorder::State::collect(bool everything) {
    {
        const std::lock_guard lock(producers);
        for (RingTracer* tracer : fresh)
            drain.add(*tracer);
        fresh.clear();
    }
    const trace::TimeNs now = clock.now();
    const std::size_t before = waiting.records.size();
    nextSeq = drain.drain(waiting, nextSeq, now, everything, kMostWaitingBytes);
    remember(before);
    activity = activity || drain.any();
    const std::int64_t total = drain.lost();
    lost = total;
    const bool room = waiting.records.size() * sizeof(session::Record) < kMostWaitingBytes;
    if (room && total > lostTold) {
        append(trace::EventsLost{now, total - lostTold});
        lostTold = total;
    }
    const bool due = answered || std::chrono::steady_clock::now() - lastSample >= kSampleEvery;
    if (room && options.sampleHost && activity && due)
        sampleHost(now);
}

void Recorder::State::append(const trace::Event& event, trace::Payload payload) {
    waiting.append(nextSeq++, event, payload);
}

void Recorder::State::remember(std::size_t fromRecord) {
    for (std::size_t i = fromRecord; i < waiting.records.size(); ++i) {
        const session::Record& record = waiting.records[i];
        if (const auto* allocated = std::get_if<trace::SlotsAllocated>(&record.event)) {
            slots.insert_or_assign(allocated->layer.value, *allocated);
        } else if (std::holds_alternative<trace::AnswerEnded>(record.event)) {
            answered = true;
        } else if (std::holds_alternative<trace::SettingChanged>(record.event)) {
            const auto bytes = waiting.payload(record);
            const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
            const std::size_t name = text.find('\0');
            const std::size_t value = text.rfind('\0');
            for (auto& setting : options.info.settings)
                if (value != std::string_view::npos && setting.first == text.substr(0, name))
                    setting.second = text.substr(value + 1);
        }
    }
}

void Recorder::State::sampleHost(trace::TimeNs now) {
    lastSample = std::chrono::steady_clock::now();
    activity = false;
    answered = false;
    const trace::TimeNs lag = std::clamp<trace::TimeNs>((now - drain.oldest(now)) / 1000, 0, 2'000'000'000);
    append(sampler.sample(now, static_cast<std::int32_t>(lag)));
}

void Recorder::State::store(bool evenInTrouble) {
    const auto now = std::chrono::steady_clock::now();
    if (waiting.records.empty() || (!evenInTrouble && now < retryAt))
        return;
    std::string reason;
    try {
        // A batch is committed after everything in it, so that time leads to batches; clocks of simulations may stand still.
        lastCommit = std::max({clock.now(), lastCommit, drain.newest()});
        waiting.number = nextBatch;
        waiting.committedAt = lastCommit;
        writer->write(waiting);
        ++nextBatch;
        waiting.records.clear();
        waiting.arena.clear();
        retryAt = {};
    } catch (const std::exception& error) {
        reason = error.what();
        retryAt = now + kRetry;
    }
    const std::lock_guard lock(control);
    trouble = reason;
}

void Recorder::State::tell() {
    std::string now;
    {
        const std::lock_guard lock(control);
        now = trouble;
    }
    if (now == told)
        return;
    told = now;
    if (onTrouble)
        onTrouble(now);
}

void Recorder::State::end() {
    const std::lock_guard lock(writing);
    collect(true);
    store(true);
    lost += static_cast<std::int64_t>(waiting.records.size());
    waiting = {};
    try {
        writer->finish(std::max({clock.now(), lastCommit, drain.newest()}), lost.load() - lostBefore);
    } catch (const std::exception& error) {
        const std::lock_guard inner(control);
        trouble = error.what();
    }
    writer.reset();
}

void Recorder::State::beginContinuation(const std::filesystem::path& folder) {
    session::SessionInfo info = options.info;
    info.continues = options.info.id;
    info.id = freshId();
    std::filesystem::path next;
    {
        const std::lock_guard lock(control);
        next = continuation(path, folder);
    }
    auto other = std::make_unique<session::SessionWriter>(next, info, session::WriteLimits{});
    try {
        writer->finish(lastCommit, lostTold - lostBefore);
    } catch (const std::exception&) {
        // It has no room even for its end: it stays as a killed run would leave it, and opens so.
    }
    lostBefore = lostTold;
    session::Batch before = std::move(waiting);
    waiting = {};
    nextSeq = 1;
    nextBatch = 1;
    const trace::TimeNs at = before.records.empty() ? clock.now() : trace::timeOf(before.records.front().event);
    append(trace::NoteMade{at, {}},
           trace::asPayload(fmt::format("This recording continues {}.", writer->path().filename().string())));
    for (auto& [layer, allocated] : slots) {
        allocated.at = at;
        append(allocated);
    }
    for (const session::Record& record : before.records)
        append(record.event, before.payload(record));
    writer = std::move(other);
    options.info = info;
    const std::lock_guard lock(control);
    path = next;
}

Recorder::Recorder(Options options, const trace::Clock& clock, OnTrouble onTrouble)
    : m_state(std::make_unique<State>(std::move(options), clock, std::move(onTrouble))) {
    m_state->thread = std::thread([this] { m_state->run(); });
}

Recorder::~Recorder() {
    finish();
}

trace::Tracer& Recorder::openProducer(std::string_view name) {
    State& s = *m_state;
    const std::lock_guard lock(s.producers);
    s.tracers.push_back(std::make_unique<RingTracer>(std::string(name), s.options.ringBytes, s.open));
    s.fresh.push_back(s.tracers.back().get());
    return *s.tracers.back();
}

void Recorder::flush() {
    State& s = *m_state;
    std::unique_lock lock(s.control);
    if (s.stop)
        return;
    const std::uint64_t mine = ++s.flushWanted;
    s.wake.notify_all();
    s.flushed.wait(lock, [&] { return s.flushDone >= mine; });
    if (!s.trouble.empty())
        throw std::runtime_error(s.trouble);
}

void Recorder::relocate(const std::filesystem::path& folder) {
    {
        const std::lock_guard lock(m_state->writing);
        if (!m_state->writer)
            throw std::runtime_error("The recording has ended.");
        m_state->beginContinuation(folder);
    }
    flush();
}

std::int64_t Recorder::finish() {
    State& s = *m_state;
    std::call_once(s.ended, [&s] {
        s.open.store(false, std::memory_order_relaxed);
        {
            const std::lock_guard lock(s.control);
            s.stop = true;
            s.wake.notify_all();
        }
        s.thread.join();
    });
    return s.lost.load();
}

std::filesystem::path Recorder::path() const {
    const std::lock_guard lock(m_state->control);
    return m_state->path;
}

std::int64_t Recorder::eventsLost() const {
    return m_state->lost.load();
}

} // namespace moescope::record
