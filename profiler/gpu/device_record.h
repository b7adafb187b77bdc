#pragma once
// What a device tracer reports, freed of its structures: the one thing that cupti_records makes and RecordEvents takes. Times
// are the tracer's clock, nanoseconds; names are valid only while the record is looked at.
#include "engine/trace/event.h"

#include <cstdint>
#include <string_view>
#include <variant>

namespace moescope::gpu {

/// A copy or a fill. Without times (both 0) the tracer had no room for them.
struct CopyRecord {
    std::int64_t begin = 0;
    std::int64_t end = 0;
    std::int64_t bytes = 0;
    std::uint32_t correlation = 0;
    std::uint32_t stream = 0;
    trace::CopyDirection direction = trace::CopyDirection::Other;
    trace::MemoryKind from = trace::MemoryKind::Unknown;
    trace::MemoryKind to = trace::MemoryKind::Unknown;
};

/// A kernel, or a whole graph where its nodes are not traced one by one.
struct KernelRecord {
    std::int64_t begin = 0;
    std::int64_t end = 0;
    std::uint32_t correlation = 0;
    std::uint32_t stream = 0;
    std::string_view name; ///< as linked (mangled), or "graph 7"
    bool graph = false;
    std::int64_t blocks = 0;  ///< thread blocks of the grid
    std::int32_t threads = 0; ///< of a block
    std::int32_t registers = 0;
};

/// The host, or a stream, waited for the device.
struct WaitRecord {
    std::int64_t begin = 0;
    std::int64_t end = 0;
    std::uint32_t correlation = 0;
    std::uint32_t stream = 0;
    trace::WaitKind kind = trace::WaitKind::Other;
};

/// A call of the programming interface: nothing that it submitted can have begun before it.
struct CallRecord {
    std::int64_t begin = 0;
    std::int64_t end = 0;
    std::uint32_t correlation = 0;
};

/// Ties a call to a scope that was open when it was made. See scope_code.h.
struct ScopeRecord {
    enum class Part : std::uint8_t { Place, Transfer } part = Part::Place;
    std::uint32_t correlation = 0;
    std::uint64_t code = 0;
};

/// Time that the tracer itself took.
struct OverheadRecord {
    std::int64_t begin = 0;
    std::int64_t end = 0;
};

using DeviceRecord = std::variant<CopyRecord, KernelRecord, WaitRecord, CallRecord, ScopeRecord, OverheadRecord>;

} // namespace moescope::gpu
