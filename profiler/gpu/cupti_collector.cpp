#include "profiler/gpu/cupti_collector.h"

#include "profiler/gpu/cupti_clock.h"
#include "profiler/gpu/cupti_records.h"
#include "profiler/gpu/cupti_switches.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <utility>

namespace moescope::gpu {
namespace {

constexpr std::chrono::milliseconds kInterval{50};
constexpr trace::TimeNs kSampleEvery = 500'000'000;
constexpr trace::TimeNs kClocksEvery = 10'000'000'000;
constexpr std::size_t kBuffers = 64;
/// CUPTI's own buffers lie in device memory, which the expert cache is measured against: 16 of 3.2 MB.
constexpr std::size_t kDeviceBuffers = 16;

// CUPTI's callbacks carry no user data, and its threads may call them for as long as the process lives: what they use is never
// taken away.
CuptiBuffers& processBuffers() {
    static auto* const buffers = new CuptiBuffers(kBuffers);
    return *buffers;
}

void CUPTIAPI bufferWanted(std::uint8_t** buffer, std::size_t* bytes, std::size_t* mostRecords) {
    *buffer = processBuffers().lend();
    *bytes = *buffer ? CuptiBuffers::kBufferBytes : 0;
    *mostRecords = 0;
}

void CUPTIAPI bufferFull(CUcontext, std::uint32_t, std::uint8_t* buffer, std::size_t, std::size_t validBytes) {
    if (buffer)
        processBuffers().giveBack(buffer, validBytes);
}

void CUPTIAPI noCallback(void*, CUpti_CallbackDomain, CUpti_CallbackId, const void*) {}

const char* levelWords(TraceLevel level) {
    switch (level) {
    case TraceLevel::Engine:
        return "nothing";
    case TraceLevel::Copies:
        return "copies";
    case TraceLevel::Launches:
        return "copies, graph launches and waits";
    case TraceLevel::Kernels:
        break;
    }
    return "copies, waits and every kernel";
}

} // namespace

CuptiCollector::CuptiCollector(const CuptiApi& api, TraceLevel level, trace::TracerSource& tracers, const trace::Clock& clock)
    : m_api(api), m_level(level), m_clock(clock), m_tracer(tracers.openProducer("gpu")), m_buffers(processBuffers()),
      m_scopes(m_api), m_nvml(Nvml::open()), m_events(m_tracer) {
    subscribe();
    try {
        begin();
    } catch (...) {
        m_api.unsubscribe(m_subscriber);
        throw;
    }
    m_status = fmt::format("CUPTI records {} of the device{}.", levelWords(m_level),
                           m_nvml ? fmt::format(" ({})", m_nvml->description()) : "");
    m_thread = std::thread([this] { run(); });
}

CuptiCollector::~CuptiCollector() {
    finish();
}

void CuptiCollector::subscribe() {
    std::array<char, CUPTI_OLD_SUBSCRIBER_NAME_MIN_LEN + 1> holder{};
    CUpti_SubscriberParams params{};
    params.structSize = CUpti_SubscriberParams_STRUCT_SIZE;
    params.subscriberName = "Moescope";
    params.oldSubscriberName = holder.data();
    params.oldSubscriberSize = CUPTI_OLD_SUBSCRIBER_NAME_MIN_LEN;
    const CUptiResult result = m_api.subscribe(&m_subscriber, noCallback, nullptr, &params);
    if (result != CUPTI_SUCCESS)
        throw CuptiMissing(cuptiSentence(m_api, result, holder.data()));
}

void CuptiCollector::begin() {
    registerCuptiClock(m_api.registerTimestamp);
    std::size_t most = kDeviceBuffers;
    std::size_t size = sizeof most;
    m_api.setAttribute(CUPTI_ACTIVITY_ATTR_DEVICE_BUFFER_POOL_LIMIT, &size, &most);
    if (const CUptiResult result = m_api.registerBuffers(bufferWanted, bufferFull); result != CUPTI_SUCCESS)
        throw CuptiMissing(cuptiSentence(m_api, result));
    switchOn(m_api, m_level);
    m_lastDelivery = m_lastSample = m_clock.now();
    measureClocks();
    sample(m_lastSample);
}

void CuptiCollector::run() {
    std::unique_lock lock(m_mutex);
    while (!m_stop) {
        m_wake.wait_for(lock, kInterval, [this] { return m_stop || m_wanted != m_done; });
        const std::uint64_t wanted = m_wanted;
        lock.unlock();
        deliver();
        everySecond(m_clock.now());
        lock.lock();
        m_done = wanted;
        m_delivered.notify_all();
    }
}

void CuptiCollector::deliver(std::uint32_t flushFlag) {
    const trace::TimeNs before = m_clock.now();
    m_api.flushAll(flushFlag);
    for (const CuptiBuffers::Full& full : m_buffers.takeFull()) {
        decode(full);
        m_buffers.recycle(full.buffer);
    }
    m_events.endDelivery();
    const trace::TimeNs now = m_clock.now();
    m_longestFlush = std::max(m_longestFlush, now - before);
    countLost(now);
    m_lastDelivery = now;
}

void CuptiCollector::decode(const CuptiBuffers::Full& full) {
    CUpti_Activity* record = nullptr;
    for (;;) {
        const CUptiResult result = m_api.nextRecord(full.buffer, full.bytes, &record);
        if (result == CUPTI_ERROR_MAX_LIMIT_REACHED || full.bytes == 0)
            return;
        if (result != CUPTI_SUCCESS) {
            ++m_unreadable;
            return;
        }
        if (const auto read = readActivity(*record, m_graphName))
            m_events.take(*read);
    }
}

void CuptiCollector::countLost(trace::TimeNs now) {
    std::size_t dropped = 0;
    if (m_api.droppedRecords(nullptr, 0, &dropped) != CUPTI_SUCCESS)
        dropped = 0;
    const bool ours = m_buffers.takeRefused() > 0;
    const auto tell = [&](std::int64_t count, trace::LossCause cause) {
        if (count > 0)
            m_tracer.emit(trace::RecordsLost{.begin = m_lastDelivery, .end = now, .count = count, .cause = cause});
    };
    tell(static_cast<std::int64_t>(dropped), ours ? trace::LossCause::HostBuffers : trace::LossCause::DeviceBuffers);
    tell(m_events.takeUntimed(), trace::LossCause::Untimed);
    tell(std::exchange(m_unreadable, 0), trace::LossCause::Unreadable);
}

void CuptiCollector::measureClocks() {
    ClockAlignment fresh;
    if (!lookAtClocks(m_api.timestamp, m_clock, fresh))
        return;
    m_alignment = m_lastClocks == 0 ? fresh : refined(m_alignment, fresh);
    m_events.align(m_alignment);
    m_lastClocks = m_clock.now();
    m_tracer.emit(trace::ClockAligned{.at = m_lastClocks,
                                      .offsetNs = m_alignment.offsetNs,
                                      .errorNs = m_alignment.errorNs,
                                      .deviceLeadNs = m_events.takeDeviceLead()});
}

void CuptiCollector::everySecond(trace::TimeNs now) {
    if (now - m_lastSample >= kSampleEvery || m_toldRecording != m_recording)
        sample(now);
    if (now - m_lastClocks >= kClocksEvery)
        measureClocks();
}

void CuptiCollector::sample(trace::TimeNs now) {
    m_lastSample = now;
    m_toldRecording = m_recording;
    const RecordEvents::Figures figures = m_events.takeFigures();
    m_tracer.emit(trace::TracerSample{.at = now,
                                      .records = figures.records,
                                      .overheadNs = figures.overheadNs,
                                      .longestFlushUs = static_cast<std::int32_t>(std::exchange(m_longestFlush, 0) / 1000),
                                      .level = static_cast<std::uint8_t>(m_toldRecording ? m_level : TraceLevel::Engine)});
    if (m_nvml)
        if (const auto gpu = m_nvml->sample(now))
            m_tracer.emit(*gpu);
}

void CuptiCollector::flush() {
    std::unique_lock lock(m_mutex);
    if (m_stop)
        return;
    // The delivery under way may have begun before the call: the next one has not.
    for (int round = 0; round < 2; ++round) {
        const std::uint64_t mine = ++m_wanted;
        m_wake.notify_all();
        m_delivered.wait(lock, [&] { return m_done >= mine || m_stop; });
    }
}

void CuptiCollector::setRecording(bool recording) {
    if (recording == m_recording)
        return;
    if (recording) {
        switchOn(m_api, m_level);
        m_scopes.setRecording(true);
    } else {
        flush();
        m_scopes.setRecording(false);
        switchOff(m_api, m_level);
    }
    m_recording = recording;
    flush(); // so that the session says it before anything else happens
}

void CuptiCollector::finish() {
    if (!m_thread.joinable())
        return;
    {
        const std::lock_guard lock(m_mutex);
        m_stop = true;
        m_wake.notify_all();
        m_delivered.notify_all();
    }
    m_thread.join();
    deliver();
    m_scopes.setRecording(false);
    if (m_recording)
        switchOff(m_api, m_level);
    deliver(CUPTI_ACTIVITY_FLAG_FLUSH_FORCED);
    m_events.finish();
    m_recording = false;
    measureClocks();
    sample(m_clock.now());
    m_api.unsubscribe(m_subscriber);
}

} // namespace moescope::gpu
