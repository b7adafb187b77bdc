#include "profiler/gpu/cupti_records.h"

#include <fmt/format.h>

namespace moescope::gpu {
namespace {

using trace::CopyDirection;
using trace::MemoryKind;
using trace::WaitKind;

CopyDirection directionOf(std::uint8_t kind) {
    switch (kind) {
    case CUPTI_ACTIVITY_MEMCPY_KIND_HTOD:
    case CUPTI_ACTIVITY_MEMCPY_KIND_HTOA:
        return CopyDirection::HostToDevice;
    case CUPTI_ACTIVITY_MEMCPY_KIND_DTOH:
    case CUPTI_ACTIVITY_MEMCPY_KIND_ATOH:
        return CopyDirection::DeviceToHost;
    case CUPTI_ACTIVITY_MEMCPY_KIND_ATOA:
    case CUPTI_ACTIVITY_MEMCPY_KIND_ATOD:
    case CUPTI_ACTIVITY_MEMCPY_KIND_DTOA:
    case CUPTI_ACTIVITY_MEMCPY_KIND_DTOD:
        return CopyDirection::DeviceToDevice;
    case CUPTI_ACTIVITY_MEMCPY_KIND_HTOH:
        return CopyDirection::HostToHost;
    case CUPTI_ACTIVITY_MEMCPY_KIND_PTOP:
        return CopyDirection::PeerToPeer;
    default:
        return CopyDirection::Other;
    }
}

MemoryKind memoryOf(unsigned kind) {
    switch (kind) {
    case CUPTI_ACTIVITY_MEMORY_KIND_PAGEABLE:
        return MemoryKind::Pageable;
    case CUPTI_ACTIVITY_MEMORY_KIND_PINNED:
        return MemoryKind::Pinned;
    case CUPTI_ACTIVITY_MEMORY_KIND_DEVICE:
    case CUPTI_ACTIVITY_MEMORY_KIND_DEVICE_STATIC:
        return MemoryKind::Device;
    case CUPTI_ACTIVITY_MEMORY_KIND_ARRAY:
        return MemoryKind::Array;
    case CUPTI_ACTIVITY_MEMORY_KIND_MANAGED:
    case CUPTI_ACTIVITY_MEMORY_KIND_MANAGED_STATIC:
        return MemoryKind::Managed;
    default:
        return MemoryKind::Unknown;
    }
}

WaitKind waitOf(CUpti_ActivitySynchronizationType type) {
    switch (type) {
    case CUPTI_ACTIVITY_SYNCHRONIZATION_TYPE_EVENT_SYNCHRONIZE:
        return WaitKind::Event;
    case CUPTI_ACTIVITY_SYNCHRONIZATION_TYPE_STREAM_WAIT_EVENT:
        return WaitKind::StreamForEvent;
    case CUPTI_ACTIVITY_SYNCHRONIZATION_TYPE_STREAM_SYNCHRONIZE:
        return WaitKind::Stream;
    case CUPTI_ACTIVITY_SYNCHRONIZATION_TYPE_CONTEXT_SYNCHRONIZE:
        return WaitKind::Context;
    default:
        return WaitKind::Other;
    }
}

template <class Activity, class Record>
Record timed(const Activity& from, Record record) {
    record.correlation = from.correlationId;
    if (from.end < from.start)
        return record;
    record.begin = static_cast<std::int64_t>(from.start);
    record.end = static_cast<std::int64_t>(from.end);
    return record;
}

template <class Activity>
const Activity& as(const CUpti_Activity& record) {
    return reinterpret_cast<const Activity&>(record);
}

CopyRecord readCopy(const CUpti_ActivityMemcpy6& a) {
    CopyRecord copy;
    copy.bytes = static_cast<std::int64_t>(a.bytes);
    copy.stream = a.streamId;
    copy.direction = directionOf(a.copyKind);
    copy.from = memoryOf(a.srcKind);
    copy.to = memoryOf(a.dstKind);
    return timed(a, copy);
}

CopyRecord readPeerCopy(const CUpti_ActivityMemcpyPtoP4& a) {
    CopyRecord copy;
    copy.bytes = static_cast<std::int64_t>(a.bytes);
    copy.stream = a.streamId;
    copy.direction = CopyDirection::PeerToPeer;
    copy.from = memoryOf(a.srcKind);
    copy.to = memoryOf(a.dstKind);
    return timed(a, copy);
}

CopyRecord readFill(const CUpti_ActivityMemset4& a) {
    CopyRecord fill;
    fill.bytes = static_cast<std::int64_t>(a.bytes);
    fill.stream = a.streamId;
    fill.direction = CopyDirection::Fill;
    fill.to = memoryOf(a.memoryKind);
    return timed(a, fill);
}

KernelRecord readKernel(const CUpti_ActivityKernel10& a) {
    KernelRecord kernel;
    kernel.stream = a.streamId;
    kernel.name = a.name ? a.name : "";
    kernel.blocks = std::int64_t{a.gridX} * a.gridY * a.gridZ;
    kernel.threads = a.blockX * a.blockY * a.blockZ;
    kernel.registers = a.registersPerThread;
    return timed(a, kernel);
}

KernelRecord readGraph(const CUpti_ActivityGraphTrace2& a, std::string& names) {
    names = fmt::format("graph {}", a.graphId);
    KernelRecord graph;
    graph.stream = a.streamId;
    graph.name = names;
    graph.graph = true;
    return timed(a, graph);
}

WaitRecord readWait(const CUpti_ActivitySynchronization2& a) {
    WaitRecord wait;
    wait.stream = a.streamId;
    wait.kind = waitOf(a.type);
    return timed(a, wait);
}

ScopeRecord readScope(const CUpti_ActivityExternalCorrelation& a) {
    const auto part =
        a.externalKind == CUPTI_EXTERNAL_CORRELATION_KIND_CUSTOM1 ? ScopeRecord::Part::Transfer : ScopeRecord::Part::Place;
    return {part, a.correlationId, a.externalId};
}

/// Compiling and loading are the program's own cost, with or without a tracer.
std::optional<DeviceRecord> readOverhead(const CUpti_ActivityOverhead3& a) {
    switch (a.overheadKind) {
    case CUPTI_ACTIVITY_OVERHEAD_CUPTI_BUFFER_FLUSH:
    case CUPTI_ACTIVITY_OVERHEAD_CUPTI_INSTRUMENTATION:
    case CUPTI_ACTIVITY_OVERHEAD_CUPTI_RESOURCE:
    case CUPTI_ACTIVITY_OVERHEAD_ACTIVITY_BUFFER_REQUEST:
        return OverheadRecord{static_cast<std::int64_t>(a.start), static_cast<std::int64_t>(a.end)};
    default:
        return std::nullopt;
    }
}

} // namespace

std::optional<DeviceRecord> readActivity(const CUpti_Activity& record, std::string& names) {
    switch (record.kind) {
    case CUPTI_ACTIVITY_KIND_MEMCPY:
        return readCopy(as<CUpti_ActivityMemcpy6>(record));
    case CUPTI_ACTIVITY_KIND_MEMCPY2:
        return readPeerCopy(as<CUpti_ActivityMemcpyPtoP4>(record));
    case CUPTI_ACTIVITY_KIND_MEMSET:
        return readFill(as<CUpti_ActivityMemset4>(record));
    case CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL:
        return readKernel(as<CUpti_ActivityKernel10>(record));
    case CUPTI_ACTIVITY_KIND_GRAPH_TRACE:
        return readGraph(as<CUpti_ActivityGraphTrace2>(record), names);
    case CUPTI_ACTIVITY_KIND_SYNCHRONIZATION:
        return readWait(as<CUpti_ActivitySynchronization2>(record));
    case CUPTI_ACTIVITY_KIND_RUNTIME:
    case CUPTI_ACTIVITY_KIND_DRIVER:
        return timed(as<CUpti_ActivityAPI>(record), CallRecord{});
    case CUPTI_ACTIVITY_KIND_EXTERNAL_CORRELATION:
        return readScope(as<CUpti_ActivityExternalCorrelation>(record));
    case CUPTI_ACTIVITY_KIND_OVERHEAD:
        return readOverhead(as<CUpti_ActivityOverhead3>(record));
    default:
        return std::nullopt;
    }
}

} // namespace moescope::gpu
