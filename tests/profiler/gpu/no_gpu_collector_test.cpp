#include "profiler/gpu/no_gpu_collector.h"

#include "tests/profiler/gpu/event_log.h"

#include <gtest/gtest.h>

namespace moescope::gpu {
namespace {

TEST(NoGpuCollector, LevelZeroIsNoComplaint) {
    EventLog log;
    const trace::SteadyClock clock;
    const auto collector = makeGpuCollector({}, log, clock);
    EXPECT_EQ(collector->level(), TraceLevel::Engine);
    EXPECT_FALSE(collector->degraded());
}

TEST(NoGpuCollector, WithoutALibraryTheRunGoesOnAndSaysWhatIsMissing) {
    EventLog log;
    const trace::SteadyClock clock;
    const auto collector = makeGpuCollector({TraceLevel::Kernels, "/nonexistent/libcupti.so.13"}, log, clock);
    EXPECT_EQ(collector->level(), TraceLevel::Engine);
    EXPECT_TRUE(collector->degraded());
    EXPECT_NE(collector->status().find("not recorded"), std::string::npos) << collector->status();
    EXPECT_EQ(collector->status().find('\n'), std::string::npos);
    // All of it may be used as if there were one.
    const trace::OpenScope scope(collector->scopes(), {});
    collector->setRecording(false);
    collector->flush();
    collector->finish();
    EXPECT_TRUE(log.entries().empty());
}

} // namespace
} // namespace moescope::gpu
