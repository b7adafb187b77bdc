#include "profiler/gpu/cupti_counters.h"

#include "profiler/gpu/cupti_clock.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>

namespace moescope::gpu {
namespace {

constexpr std::int64_t kIntervalNs = 1'000'000;
constexpr std::chrono::milliseconds kLook{20};
constexpr trace::TimeNs kClocksEvery = 10'000'000'000;
/// A reading that begins later than this many intervals after the last one's end: some between were lost.
constexpr double kGap = 1.5;
/// Of the known bytes, what the right counter must have seen, and what the other one at most. Headers and acknowledgements are
/// counted too: on an H100 5 % more, and 6 % on the way back.
constexpr double kSeen = 0.8;
constexpr double kOther = 0.3;
constexpr std::chrono::milliseconds kSettle{5};

double megabytes(double bytes) {
    return bytes / 1e6;
}

} // namespace

CuptiCounters::CuptiCounters(const CounterApi& api, const KnownCopy& knownCopy, trace::TracerSource& tracers,
                             const trace::Clock& clock)
    : m_api(api), m_clock(clock), m_session(api, kIntervalNs), m_tracer(tracers.openProducer("counters")) {
    registerCuptiClock(m_api.registerTimestamp);
    alignClocksNow();
    calibrate(knownCopy);
    m_session.start();
    m_reading = true;
    m_thread = std::thread([this] { run(); });
}

CuptiCounters::~CuptiCounters() {
    finish();
}

trace::TimeNs CuptiCounters::interval() const {
    return kIntervalNs;
}

void CuptiCounters::calibrate(const KnownCopy& knownCopy) {
    m_session.start();
    std::this_thread::sleep_for(kSettle);
    m_session.read(m_readings);
    m_readings.clear();
    const auto bytes = static_cast<double>(knownCopy());
    std::this_thread::sleep_for(kSettle);
    m_session.read(m_readings);
    m_session.stop();
    double read = 0;
    double written = 0;
    for (const CounterReading& reading : m_readings) {
        read += reading.linkReadBytes;
        written += reading.linkWriteBytes;
    }
    m_readings.clear();
    const auto counts = [bytes](double by, double other) {
        return bytes > 0 && by >= kSeen * bytes && other <= kOther * bytes;
    };
    m_readsFromHost = !counts(written, read);
    m_status = fmt::format("CUPTI reads the counters of the GPU ({}) every {:.0f} ms; ", m_session.chip(), kIntervalNs / 1e6);
    if (counts(read, written) || counts(written, read))
        m_status += fmt::format("a copy of {:.1f} MB to it counted as {:.1f} MB in and {:.1f} MB out.", megabytes(bytes),
                                megabytes(m_readsFromHost ? read : written), megabytes(m_readsFromHost ? written : read));
    else
        m_status += "a copy of known size did not show which counter counts bytes to it, so in and out may be swapped.";
}

void CuptiCounters::run() {
    std::unique_lock lock(m_mutex);
    while (!m_stop) {
        m_wake.wait_for(lock, kLook, [this] { return m_stop; });
        if (m_reading && !m_stop)
            deliver();
    }
}

void CuptiCounters::deliver() {
    if (m_failed)
        return;
    try {
        m_session.read(m_readings);
    } catch (const CuptiMissing& problem) {
        fail(problem.what());
    }
    if (m_clock.now() - m_lastClocks >= kClocksEvery)
        alignClocksNow();
    for (const CounterReading& reading : m_readings)
        tell(reading);
    m_readings.clear();
}

void CuptiCounters::tell(const CounterReading& reading) {
    if (reading.end <= reading.begin)
        return;
    const auto gap = static_cast<double>(reading.begin - m_lastEnd) / static_cast<double>(kIntervalNs);
    if (m_lastEnd != 0 && gap > kGap)
        m_tracer.emit(trace::RecordsLost{.begin = m_alignment.toSession(m_lastEnd),
                                         .end = m_alignment.toSession(reading.begin),
                                         .count = std::llround(gap),
                                         .cause = trace::LossCause::DeviceBuffers});
    m_lastEnd = reading.end;
    const double in = m_readsFromHost ? reading.linkReadBytes : reading.linkWriteBytes;
    const double out = m_readsFromHost ? reading.linkWriteBytes : reading.linkReadBytes;
    const auto whole = [](double bytes) { return std::isfinite(bytes) && bytes > 0 ? std::llround(bytes) : 0; };
    const auto percent = [](double value) { return std::isfinite(value) ? static_cast<float>(value) : 0.0F; };
    m_tracer.emit(trace::CounterSample{.begin = m_alignment.toSession(reading.begin),
                                       .end = m_alignment.toSession(reading.end),
                                       .fromHostBytes = whole(in),
                                       .toHostBytes = whole(out),
                                       .memoryReadPercent = percent(reading.memoryReadPercent),
                                       .memoryWritePercent = percent(reading.memoryWritePercent),
                                       .multiprocessorPercent = percent(reading.multiprocessorPercent),
                                       .tensorPercent = percent(reading.tensorPercent)});
}

void CuptiCounters::fail(const std::string& sentence) {
    m_failed = true;
    m_tracer.emit(trace::NoteMade{m_clock.now(), {}}, trace::asPayload(sentence));
}

void CuptiCounters::alignClocksNow() {
    ClockAlignment fresh;
    if (!lookAtClocks(m_api.timestamp, m_clock, fresh))
        return;
    m_alignment = refined(m_alignment, fresh);
    m_lastClocks = m_clock.now();
}

void CuptiCounters::setReading(bool reading) {
    const std::lock_guard lock(m_mutex);
    if (reading == m_reading || m_failed)
        return;
    try {
        if (reading) {
            m_session.start();
        } else {
            deliver();
            m_session.stop();
        }
    } catch (const CuptiMissing& problem) {
        fail(problem.what());
    }
    m_lastEnd = 0; // what lies between was not wanted
    m_reading = reading;
}

void CuptiCounters::finish() {
    if (!m_thread.joinable())
        return;
    {
        const std::lock_guard lock(m_mutex);
        m_stop = true;
        m_wake.notify_all();
    }
    m_thread.join();
    setReading(false);
}

} // namespace moescope::gpu
