#pragma once
#include "engine/trace/clock.h"
#include "engine/trace/tracer.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace moescope::gpu {

/// How much of the device is recorded. Each level records what the ones below it do. On disk: append only.
enum class TraceLevel : std::uint8_t {
    Engine = 0,   ///< the engine's own events; nothing of the device
    Copies = 1,   ///< every copy, tied to the transfer that asked for it
    Launches = 2, ///< also graph launches and waits, tied to layer and stage
    Kernels = 3   ///< also every kernel by name
};
inline constexpr int kMostTraceLevel = 3;

/// Records what a device really does, beside what the engine says of it. Owned by app/run: made before the engine touches a
/// device, finished while the device still exists. Never fails: what it cannot do it says in status(), and the engine's own
/// events go on. Thread-safe where it says so.
class GpuCollector {
public:
    virtual ~GpuCollector() = default;
    /// The level in force, which is Engine when nothing of the device can be recorded.
    virtual TraceLevel level() const = 0;
    /// One sentence for people: what records, or what is missing and what that means.
    virtual std::string status() const = 0;
    /// Whether status() tells of something wanted that could not be had.
    virtual bool degraded() const = 0;
    /// Where the engine says what its device work is for. Any thread.
    virtual trace::ScopeSink& scopes() = 0;
    /// Stops and goes on, to measure what recording costs. The owner's thread, with the device idle.
    virtual void setRecording(bool recording) = 0;
    /// Returns when everything that the device has finished is in the tracer. The owner's thread.
    virtual void flush() = 0;
    /// Delivers the rest and ends. The owner's thread, with the device idle and still there.
    virtual void finish() = 0;
};

struct GpuOptions {
    TraceLevel level = TraceLevel::Engine;
    std::filesystem::path library; ///< of CUPTI; empty: searched for
};

/// CUPTI where this build has it and this machine can; otherwise a collector that says why not. `tracers` is asked for one
/// producer, whose thread is the collector's own. Both must outlive the collector.
std::unique_ptr<GpuCollector> makeGpuCollector(const GpuOptions& options, trace::TracerSource& tracers,
                                               const trace::Clock& clock);

} // namespace moescope::gpu
