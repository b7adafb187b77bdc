#include "profiler/analysis/device_reducer.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace moescope::analysis {
namespace {

/// A file that claims more names than a tracer makes is believed no further.
constexpr std::int32_t kMostKernels = 1 << 16;
/// Transfers that one side never told of are forgotten beyond this many.
constexpr std::size_t kMostOpen = 1 << 18;
/// Smaller copies do not show what the link can do.
constexpr std::int64_t kLargeCopy = std::int64_t{1} << 20;
constexpr double kSpeedStep = 0.25e9; // bytes per second
constexpr std::size_t kSpeeds = 2048;
constexpr double kNotFaster = 0.95;
constexpr std::int64_t kSpeedsEvery = 64; // copies

std::string whatItWas(const trace::GpuCopySpan& e) {
    constexpr std::array kStages{"pass", "embedding", "attention", "router", "experts", "output", "sampler"};
    constexpr std::array kMemory{"unknown", "pageable", "pinned", "device", "array", "managed"};
    const auto memory = kMemory.at(std::min(static_cast<std::size_t>(e.from), kMemory.size() - 1));
    if (!e.token.valid())
        return fmt::format("outside a pass (weights, set-up), from {} memory", memory);
    return fmt::format("{}, from {} memory", kStages.at(std::min(static_cast<std::size_t>(e.stage), kStages.size() - 1)),
                       memory);
}

} // namespace

std::int64_t DeviceTraffic::expertsUnequal() const {
    return std::count_if(experts.begin(), experts.end(), [](const Expert& e) { return e.engineBytes != e.deviceBytes; });
}

DeviceTraffic::Expert* DeviceReducer::expertOf(trace::ExpertKey key, Snapshot& s) {
    const auto layer = key.layer.value;
    const auto expert = key.expert.value;
    if (layer < 0 || layer >= s.layers || expert < 0 || expert >= s.experts)
        return nullptr;
    auto& experts = s.device.experts;
    experts.resize(static_cast<std::size_t>(s.layers) * static_cast<std::size_t>(s.experts));
    return &experts[static_cast<std::size_t>(layer) * static_cast<std::size_t>(s.experts) + static_cast<std::size_t>(expert)];
}

void DeviceReducer::on(const trace::TransferSpan& e, trace::Payload, Snapshot& s) {
    if (!s.device.traced || !e.transfer.valid())
        return;
    if (auto* expert = expertOf(e.key, s))
        expert->engineBytes += e.bytes;
    s.device.engineBytes += e.bytes;
    if (m_open.size() >= kMostOpen)
        m_open.clear();
    Open& open = m_open[e.transfer.value];
    open.engineBytes = e.bytes;
    open.begin = e.begin;
    open.end = e.end;
    settle(e.transfer, s.device);
}

void DeviceReducer::on(const trace::GpuCopySpan& e, trace::Payload, Snapshot& s) {
    DeviceTraffic& d = s.device;
    if (e.direction == trace::CopyDirection::DeviceToHost)
        d.bytesFromDevice += e.bytes;
    if (e.direction != trace::CopyDirection::HostToDevice)
        return;
    ++d.copies;
    d.bytesToDevice += e.bytes;
    d.busyToDeviceNs += e.end - e.begin;
    addSpeed(e, d);
    if (!e.transfer.valid()) {
        DeviceTraffic::Kind& kind = d.unattributed[whatItWas(e)];
        ++kind.copies;
        kind.bytes += e.bytes;
        return;
    }
    d.bytesExperts += e.bytes;
    if (auto* expert = expertOf(e.key, s))
        expert->deviceBytes += e.bytes;
    Open& open = m_open[e.transfer.value];
    open.firstCopy = open.deviceBytes == 0 ? e.begin : std::min(open.firstCopy, e.begin);
    open.lastCopy = std::max(open.lastCopy, e.end);
    open.deviceBytes += e.bytes;
    settle(e.transfer, d);
}

void DeviceReducer::addSpeed(const trace::GpuCopySpan& e, DeviceTraffic& d) {
    if (e.bytes < kLargeCopy || e.end <= e.begin || e.from == trace::MemoryKind::Pageable)
        return;
    const double speed = static_cast<double>(e.bytes) * 1e9 / static_cast<double>(e.end - e.begin);
    m_bytesAtSpeed.resize(kSpeeds);
    m_bytesAtSpeed[std::min(static_cast<std::size_t>(speed / kSpeedStep), kSpeeds - 1)] += e.bytes;
    m_largeBytes += e.bytes;
    if (m_largeCopies++ % kSpeedsEvery != 0)
        return;
    std::int64_t below = 0;
    std::size_t step = 0;
    for (; step + 1 < kSpeeds; ++step) {
        below += m_bytesAtSpeed[step];
        if (static_cast<double>(below) >= kNotFaster * static_cast<double>(m_largeBytes))
            break;
    }
    d.fastCopiesBytesPerSecond = (static_cast<double>(step) + 0.5) * kSpeedStep;
}

void DeviceReducer::settle(trace::TransferId transfer, DeviceTraffic& d) {
    const auto found = m_open.find(transfer.value);
    const Open& open = found->second;
    if (open.engineBytes == open.deviceBytes) {
        const trace::TimeNs early = open.begin - open.firstCopy;
        const trace::TimeNs late = open.lastCopy - open.end;
        d.worstEarlyNs = std::max(d.worstEarlyNs, early);
        d.worstLateNs = std::max(d.worstLateNs, late);
        d.transfersOutside += std::max(early, late) > d.statedErrorNs() ? 1 : 0;
        ++d.transfersAgreed;
        m_open.erase(found);
    }
    d.transfersOpen = static_cast<std::int64_t>(m_open.size());
}

void DeviceReducer::on(const trace::KernelSpan& e, trace::Payload, Snapshot& s) {
    ++s.device.kernels;
    s.device.kernelNs += e.end - e.begin;
}

void DeviceReducer::on(const trace::KernelNamed& e, trace::Payload payload, Snapshot& s) {
    if (e.kernel.value < 0 || e.kernel.value >= kMostKernels)
        return;
    auto& names = s.device.kernelNames;
    names.resize(std::max(names.size(), static_cast<std::size_t>(e.kernel.value) + 1));
    names[static_cast<std::size_t>(e.kernel.value)] = trace::asText(payload);
}

void DeviceReducer::on(const trace::ClockAligned& e, trace::Payload, Snapshot& s) {
    s.device.clockErrorNs = std::max(s.device.clockErrorNs, e.errorNs);
    s.device.deviceLeadNs = std::max(s.device.deviceLeadNs, e.deviceLeadNs);
}

void DeviceReducer::on(const trace::TracerSample& e, trace::Payload, Snapshot& s) {
    DeviceTraffic& d = s.device;
    d.traced = e.level > 0;
    d.level = std::max(d.level, int{e.level});
    d.records += e.records;
    d.tracerNs += e.overheadNs;
    d.longestFlushUs = std::max(d.longestFlushUs, e.longestFlushUs);
}

void DeviceReducer::on(const trace::RecordsLost& e, trace::Payload, Snapshot& s) {
    s.device.recordsLost += e.count;
    s.gaps.push_back({e.begin, e.end, e.count});
}

void DeviceReducer::on(const trace::OverheadMeasured& e, trace::Payload, Snapshot& s) {
    s.device.overhead.push_back(e);
}

void DeviceReducer::on(const trace::GpuSample& e, trace::Payload, Snapshot& s) {
    s.device.gpu = e;
    s.device.gpuSampled = true;
}

void DeviceReducer::on(const trace::CounterSample& e, trace::Payload, Snapshot& s) {
    DeviceTraffic::Counters& c = s.device.counters;
    const trace::TimeNs ns = std::max<trace::TimeNs>(0, e.end - e.begin);
    const double before = static_cast<double>(c.ns);
    const double all = std::max(1.0, before + static_cast<double>(ns));
    const auto mean = [&](double& into, double percent) { into = (into * before + percent * static_cast<double>(ns)) / all; };
    mean(c.memoryPercent, static_cast<double>(e.memoryReadPercent + e.memoryWritePercent));
    mean(c.multiprocessorPercent, static_cast<double>(e.multiprocessorPercent));
    mean(c.tensorPercent, static_cast<double>(e.tensorPercent));
    c.ns += ns;
    ++c.readings;
    c.fromHostBytes += e.fromHostBytes;
    c.toHostBytes += e.toHostBytes;
}

} // namespace moescope::analysis
