#pragma once
#include "engine/trace/clock.h"
#include "engine/trace/tracer.h"

#include <filesystem>
#include <memory>
#include <string>

namespace moescope::gpu {

/// Reads the GPU's own counters at a steady pace and tells them as CounterSample events: bytes over the link, memory,
/// multiprocessors and tensor pipes, whoever causes them. Needs a privilege that recording does not. Owned by app/run: made
/// when the engine has its device, finished while that still exists. Never fails: what it cannot do it says in status(). The
/// owner's thread.
class GpuCounters {
public:
    virtual ~GpuCounters() = default;
    /// Time between two readings; 0: counters are not read.
    virtual trace::TimeNs interval() const = 0;
    /// One sentence: how they are read, or why not. Empty if nobody asked.
    virtual std::string status() const = 0;
    /// Whether they were wanted and cannot be had.
    virtual bool degraded() const = 0;
    /// Stops and goes on, to measure what it costs.
    virtual void setReading(bool reading) = 0;
    /// Tells the rest and ends.
    virtual void finish() = 0;
};

struct CounterOptions {
    bool wanted = false;
    std::filesystem::path library; ///< of CUPTI; empty: searched for
};

/// CUPTI's PM sampling where this build has it and the driver lets us; otherwise one that says why not. `tracers` is asked for
/// one producer, whose thread is the counters' own. The calling thread must have the GPU's context.
std::unique_ptr<GpuCounters> makeGpuCounters(const CounterOptions& options, trace::TracerSource& tracers,
                                             const trace::Clock& clock);

} // namespace moescope::gpu
