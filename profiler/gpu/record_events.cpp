#include "profiler/gpu/record_events.h"

#include "profiler/gpu/scope_code.h"

#include <algorithm>
#include <cstdlib>
#include <cxxabi.h>
#include <memory>
#include <utility>

namespace moescope::gpu {
namespace {

/// Deliveries for which work waits for its call. The call is reported by the thread that made it, the work by the device:
/// one of the two may sit in a buffer that is handed over a delivery or two later.
constexpr std::int64_t kPatience = 4;
/// Deliveries after which a call is forgotten: ten seconds at one each 50 ms, longer than work may lie in a stream.
constexpr std::size_t kRemembered = 200;
constexpr std::size_t kMostNames = 4096;

template <class Record>
constexpr bool kIsWork =
    std::is_same_v<Record, CopyRecord> || std::is_same_v<Record, KernelRecord> || std::is_same_v<Record, WaitRecord>;

std::uint32_t correlationOf(const DeviceRecord& record) {
    return std::visit(
        [](const auto& r) -> std::uint32_t {
            if constexpr (requires { r.correlation; })
                return r.correlation;
            else
                return 0;
        },
        record);
}

std::int64_t endOf(const DeviceRecord& record) {
    return std::visit(
        [](const auto& r) -> std::int64_t {
            if constexpr (requires { r.end; })
                return r.end;
            else
                return 0;
        },
        record);
}

} // namespace

void RecordEvents::take(const DeviceRecord& record) {
    ++m_figures.records;
    std::visit([this](const auto& r) { on(r); }, record);
}

RecordEvents::Origin& RecordEvents::originOf(std::uint32_t correlation) {
    const auto [at, fresh] = m_origins.try_emplace(correlation);
    if (fresh)
        m_recent.back().push_back(correlation);
    return at->second;
}

void RecordEvents::on(const CallRecord& record) {
    originOf(record.correlation).callBegin = record.begin;
}

void RecordEvents::on(const ScopeRecord& record) {
    Origin& origin = originOf(record.correlation);
    if (record.part == ScopeRecord::Part::Transfer) {
        origin.scope.transfer = decodeTransfer(record.code);
        return;
    }
    const trace::TransferId transfer = origin.scope.transfer;
    origin.scope = decodePlace(record.code);
    origin.scope.transfer = transfer;
    origin.placed = true;
}

void RecordEvents::on(const OverheadRecord& record) {
    m_figures.overheadNs += std::max<std::int64_t>(0, record.end - record.begin);
}

void RecordEvents::on(const CopyRecord& record) {
    wait(record);
}

void RecordEvents::on(const KernelRecord& record) {
    wait(record, record.name);
}

void RecordEvents::on(const WaitRecord& record) {
    wait(record);
}

void RecordEvents::wait(const DeviceRecord& record, std::string_view name) {
    const bool timed = std::visit(
        [](const auto& r) {
            if constexpr (kIsWork<std::decay_t<decltype(r)>>)
                return r.end >= r.begin && r.end > 0;
            else
                return false;
        },
        record);
    if (timed)
        m_waiting.push_back({record, std::string(name), m_delivery});
    else
        ++m_untimed;
}

void RecordEvents::endDelivery() {
    release(false);
    ++m_delivery;
    m_recent.emplace_back();
    forgetOld();
}

void RecordEvents::finish() {
    release(true);
}

void RecordEvents::release(bool everything) {
    std::stable_sort(m_waiting.begin(), m_waiting.end(),
                     [](const Waiting& a, const Waiting& b) { return endOf(a.record) < endOf(b.record); });
    std::vector<Waiting> still;
    for (Waiting& waiting : m_waiting) {
        const auto origin = m_origins.find(correlationOf(waiting.record));
        const bool known = origin != m_origins.end() && (origin->second.placed || origin->second.callBegin != 0);
        if (known)
            emit(waiting, origin->second);
        else if (everything || m_delivery - waiting.delivery >= kPatience)
            emit(waiting, {});
        else
            still.push_back(std::move(waiting));
    }
    m_waiting = std::move(still);
}

void RecordEvents::emit(const Waiting& waiting, const Origin& origin) {
    std::visit(
        [&](const auto& record) {
            if constexpr (kIsWork<std::decay_t<decltype(record)>>)
                put(record, waiting, origin);
        },
        waiting.record);
}

void RecordEvents::put(const CopyRecord& record, const Waiting&, const Origin& origin) {
    if (origin.callBegin != 0)
        m_deviceLeadNs = std::max(m_deviceLeadNs, origin.callBegin - record.begin);
    m_tracer.emit(trace::GpuCopySpan{.begin = m_alignment.toSession(record.begin),
                                     .end = m_alignment.toSession(record.end),
                                     .bytes = record.bytes,
                                     .token = origin.scope.token,
                                     .key = origin.scope.key,
                                     .transfer = origin.scope.transfer,
                                     .stream = static_cast<std::int32_t>(record.stream),
                                     .correlation = record.correlation,
                                     .stage = origin.scope.stage,
                                     .direction = record.direction,
                                     .from = record.from,
                                     .to = record.to});
}

void RecordEvents::put(const KernelRecord& record, const Waiting& waiting, const Origin& origin) {
    if (origin.callBegin != 0)
        m_deviceLeadNs = std::max(m_deviceLeadNs, origin.callBegin - record.begin);
    const trace::TimeNs end = m_alignment.toSession(record.end);
    m_tracer.emit(trace::KernelSpan{.begin = m_alignment.toSession(record.begin),
                                    .end = end,
                                    .token = origin.scope.token,
                                    .key = origin.scope.key,
                                    .kernel = kernelOf(waiting.name, end),
                                    .stream = static_cast<std::int32_t>(record.stream),
                                    .blocks = static_cast<std::int32_t>(std::min<std::int64_t>(record.blocks, 0x7fffffff)),
                                    .threads = record.threads,
                                    .correlation = record.correlation,
                                    .registers = static_cast<std::uint16_t>(record.registers),
                                    .stage = origin.scope.stage,
                                    .graph = record.graph});
}

void RecordEvents::put(const WaitRecord& record, const Waiting&, const Origin& origin) {
    m_tracer.emit(trace::GpuWaitSpan{.begin = m_alignment.toSession(record.begin),
                                     .end = m_alignment.toSession(record.end),
                                     .token = origin.scope.token,
                                     .key = origin.scope.key,
                                     .stream = static_cast<std::int32_t>(record.stream),
                                     .correlation = record.correlation,
                                     .stage = origin.scope.stage,
                                     .kind = record.kind});
}

trace::KernelId RecordEvents::kernelOf(const std::string& name, trace::TimeNs at) {
    if (const auto known = m_names.find(name); known != m_names.end())
        return known->second;
    if (m_names.size() >= kMostNames)
        return {};
    const trace::KernelId id(static_cast<std::int32_t>(m_names.size()));
    m_names.emplace(name, id);
    const std::string readable = readableKernelName(name);
    m_tracer.emit(trace::KernelNamed{.at = at, .kernel = id}, trace::asPayload(readable));
    return id;
}

void RecordEvents::forgetOld() {
    while (m_recent.size() > kRemembered) {
        for (const std::uint32_t correlation : m_recent.front())
            m_origins.erase(correlation);
        m_recent.pop_front();
    }
}

RecordEvents::Figures RecordEvents::takeFigures() {
    return std::exchange(m_figures, {});
}

std::int64_t RecordEvents::takeUntimed() {
    return std::exchange(m_untimed, 0);
}

std::int64_t RecordEvents::takeDeviceLead() {
    return std::exchange(m_deviceLeadNs, 0);
}

std::string readableKernelName(const std::string& linked) {
    int status = 0;
    const std::unique_ptr<char, decltype(&std::free)> plain(abi::__cxa_demangle(linked.c_str(), nullptr, nullptr, &status),
                                                            &std::free);
    std::string name = status == 0 && plain ? plain.get() : linked;
    if (const std::size_t parameters = name.rfind('('); parameters != std::string::npos && name.ends_with(')') && status == 0) {
        // The list may hold brackets itself: back to the one that opens it.
        int depth = 0;
        for (std::size_t at = name.size(); at-- > 0;) {
            depth += name[at] == ')' ? 1 : name[at] == '(' ? -1 : 0;
            if (depth == 0) {
                name.resize(at);
                break;
            }
        }
    }
    constexpr std::size_t kMostLetters = 240;
    if (name.size() > kMostLetters)
        name = name.substr(0, kMostLetters - 3) + "...";
    return name.starts_with("void ") ? name.substr(5) : name;
}

} // namespace moescope::gpu
