// The collector against a real GPU: a program of its own with pinned copies on two streams and a kernel. Skips, with the
// reason, where there is no GPU or no CUPTI.
#include "profiler/gpu/gpu_collector.h"

#include "tests/profiler/gpu/event_log.h"

#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <thread>

namespace moescope::gpu {
namespace {

using trace::GpuCopySpan;
using trace::KernelSpan;
using trace::Stage;

constexpr std::size_t kBytes = 8u << 20;

// Doubles every float: PTX, so that no compiler is needed here.
constexpr const char* kDouble = R"(
.version 8.0
.target sm_70
.address_size 64
.visible .entry doubleAll(.param .u64 data) {
  .reg .b32 %r<5>; .reg .b64 %rd<5>; .reg .f32 %f<3>;
  ld.param.u64 %rd1, [data];
  cvta.to.global.u64 %rd2, %rd1;
  mov.u32 %r1, %ctaid.x; mov.u32 %r2, %ntid.x; mov.u32 %r3, %tid.x;
  mad.lo.s32 %r4, %r1, %r2, %r3;
  mul.wide.s32 %rd3, %r4, 4;
  add.s64 %rd4, %rd2, %rd3;
  ld.global.f32 %f1, [%rd4];
  add.f32 %f2, %f1, %f1;
  st.global.f32 [%rd4], %f2;
  ret;
}
)";

/// What an engine would do: experts on one stream, activations and a kernel on another.
class Program {
public:
    Program() {
        ok(cudaMallocHost(&m_host, kBytes));
        ok(cudaMalloc(&m_device, kBytes));
        ok(cudaStreamCreateWithFlags(&m_copies, cudaStreamNonBlocking));
        ok(cudaStreamCreateWithFlags(&m_compute, cudaStreamNonBlocking));
        ok(cudaLibraryLoadData(&m_library, kDouble, nullptr, nullptr, 0, nullptr, nullptr, 0));
        ok(cudaLibraryGetKernel(&m_kernel, m_library, "doubleAll"));
    }
    ~Program() {
        cudaLibraryUnload(m_library);
        cudaStreamDestroy(m_compute);
        cudaStreamDestroy(m_copies);
        cudaFree(m_device);
        cudaFreeHost(m_host);
    }
    /// One expert in two blocks; returns the span that its engine would tell.
    trace::TransferSpan fetch(trace::ScopeSink& scopes, int id, const trace::Clock& clock) {
        const trace::Scope scope{trace::TokenIndex(id), trace::expertKey(id % 4, id % 8), Stage::Experts,
                                 trace::TransferId(id)};
        trace::TransferSpan span;
        span.key = scope.key;
        span.transfer = scope.transfer;
        span.begin = clock.now();
        for (int block = 0; block < 2; ++block) {
            const trace::OpenScope open(scopes, scope);
            const std::size_t half = kBytes / 2;
            auto* to = static_cast<char*>(m_device) + static_cast<std::size_t>(block) * half;
            ok(cudaMemcpyAsync(to, static_cast<char*>(m_host) + static_cast<std::size_t>(block) * half, half,
                               cudaMemcpyHostToDevice, m_copies));
            span.bytes += static_cast<std::int64_t>(half);
        }
        ok(cudaStreamSynchronize(m_copies));
        span.end = clock.now();
        return span;
    }
    void compute(trace::ScopeSink& scopes, int token, int kernels) {
        const trace::OpenScope open(scopes, {trace::TokenIndex(token), {trace::Layer(1), {}}, Stage::Attention, {}});
        ok(cudaMemcpyAsync(m_device, m_host, 4096, cudaMemcpyHostToDevice, m_compute));
        void* arguments[] = {&m_device};
        for (int i = 0; i < kernels; ++i)
            ok(cudaLaunchKernel(reinterpret_cast<const void*>(m_kernel), dim3(64), dim3(256), arguments, 0, m_compute));
        ok(cudaStreamSynchronize(m_compute));
    }

private:
    static void ok(cudaError_t error) {
        if (error != cudaSuccess)
            throw std::runtime_error(cudaGetErrorString(error));
    }
    void* m_host = nullptr;
    void* m_device = nullptr;
    cudaStream_t m_copies = nullptr;
    cudaStream_t m_compute = nullptr;
    cudaLibrary_t m_library = nullptr;
    cudaKernel_t m_kernel = nullptr;
};

bool anyDevice() {
    int devices = 0;
    return cudaGetDeviceCount(&devices) == cudaSuccess && devices > 0;
}

struct Watched {
    explicit Watched(TraceLevel level) : collector(makeGpuCollector({level, {}}, log, clock)) {}
    EventLog log;
    trace::SteadyClock clock;
    std::unique_ptr<GpuCollector> collector;
};

class OnDevice : public ::testing::TestWithParam<int> {};

TEST_P(OnDevice, EveryCopyAndKernelComesBackTiedAndInTime) {
    const int level = GetParam();
    Watched watched(static_cast<TraceLevel>(level));
    if (watched.collector->degraded())
        GTEST_SKIP() << watched.collector->status();
    if (!anyDevice())
        GTEST_SKIP() << "There is no GPU.";
    std::printf("%s\n", watched.collector->status().c_str());
    constexpr int kFetches = 50;
    constexpr int kKernels = 20;
    std::map<std::int32_t, trace::TransferSpan> told;
    {
        Program program;
        for (int i = 0; i < kFetches; ++i) {
            const auto span = program.fetch(watched.collector->scopes(), i, watched.clock);
            told[span.transfer.value] = span;
            program.compute(watched.collector->scopes(), i, kKernels);
        }
        watched.collector->flush();
        watched.collector->finish();
    }
    std::map<std::int32_t, std::int64_t> bytes;
    trace::TimeNs outside = 0;
    std::map<std::string, int> untied;
    for (const auto& copy : watched.log.all<GpuCopySpan>()) {
        if (!copy.transfer.valid()) {
            ++untied[copy.token.valid() ? "in a pass" : "outside"];
            continue;
        }
        const auto& span = told.at(copy.transfer.value);
        EXPECT_EQ(copy.key, span.key);
        EXPECT_EQ(copy.direction, trace::CopyDirection::HostToDevice);
        EXPECT_EQ(copy.from, trace::MemoryKind::Pinned);
        bytes[copy.transfer.value] += copy.bytes;
        outside = std::max({outside, span.begin - copy.begin, copy.end - span.end});
    }
    for (const auto& [id, span] : told)
        EXPECT_EQ(bytes[id], span.bytes) << id;
    trace::ClockAligned worst;
    for (const auto& aligned : watched.log.all<trace::ClockAligned>()) {
        worst.errorNs = std::max(worst.errorNs, aligned.errorNs);
        worst.deviceLeadNs = std::max(worst.deviceLeadNs, aligned.deviceLeadNs);
    }
    EXPECT_LE(outside, worst.errorNs + worst.deviceLeadNs) << "engine and CUPTI disagree on when a copy was";
    int kernelsTied = 0;
    for (const auto& kernel : watched.log.all<KernelSpan>())
        kernelsTied += kernel.token.valid() && kernel.stage == Stage::Attention ? 1 : 0;
    EXPECT_EQ(kernelsTied, level == 3 ? kFetches * kKernels : 0);
    EXPECT_EQ(untied["in a pass"], kFetches);
    std::int64_t overhead = 0;
    std::int32_t flush = 0;
    for (const auto& sample : watched.log.all<trace::TracerSample>()) {
        overhead += sample.overheadNs;
        flush = std::max(flush, sample.longestFlushUs);
    }
    std::printf(
        "level %d: %zu copies (%d in a pass, %d outside), %zu kernels, %zu waits, %zu losses; clock error %lld ns, device "
        "lead %lld ns, copies at most %lld ns outside their spans; CUPTI overhead %lld ns, longest flush %d us\n",
        level, watched.log.all<GpuCopySpan>().size(), untied["in a pass"], untied["outside"],
        watched.log.all<KernelSpan>().size(), watched.log.all<trace::GpuWaitSpan>().size(),
        watched.log.all<trace::RecordsLost>().size(), static_cast<long long>(worst.errorNs),
        static_cast<long long>(worst.deviceLeadNs), static_cast<long long>(outside), static_cast<long long>(overhead), flush);
    for (const auto& gpu : watched.log.all<trace::GpuSample>())
        std::printf("  gpu: %.0f %% busy, %lld MB used, PCIe gen %d x%d, %d MHz, %.0f W\n",
                    static_cast<double>(gpu.busyPercent), static_cast<long long>(gpu.memoryUsedBytes / 1000000),
                    gpu.linkGeneration, gpu.linkWidth, gpu.clockMhz, static_cast<double>(gpu.watts));
}

INSTANTIATE_TEST_SUITE_P(Levels, OnDevice, ::testing::Values(1, 2, 3));

TEST(OnDeviceOverhead, IsPrinted) {
    Watched watched(TraceLevel::Kernels);
    if (watched.collector->degraded())
        GTEST_SKIP() << watched.collector->status();
    if (!anyDevice())
        GTEST_SKIP() << "There is no GPU.";
    watched.collector->finish();
    for (const int level : {1, 2, 3}) {
        Watched again(static_cast<TraceLevel>(level));
        ASSERT_FALSE(again.collector->degraded()) << again.collector->status();
        Program program;
        const auto round = [&](bool recording) {
            again.collector->setRecording(recording);
            const auto begin = std::chrono::steady_clock::now();
            for (int i = 0; i < 200; ++i) {
                program.fetch(again.collector->scopes(), i, again.clock);
                program.compute(again.collector->scopes(), i, 100);
            }
            return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count() / 200;
        };
        round(true);
        std::vector<double> off, on;
        for (int pair = 0; pair < 5; ++pair) {
            const bool first = pair % 2 == 1;
            (first ? on : off).push_back(round(first));
            (first ? off : on).push_back(round(!first));
        }
        std::sort(off.begin(), off.end());
        std::sort(on.begin(), on.end());
        std::printf("level %d: a step of one 8 MiB fetch and 100 tiny kernels takes %.1f us without recording, %.1f us with it "
                    "(medians of 5, interleaved): %+.2f %%\n",
                    level, off[2], on[2], (on[2] / off[2] - 1) * 100);
        again.collector->finish();
    }
}

TEST(OnDeviceLatency, FromTheCopyToItsEventIsPrinted) {
    Watched watched(TraceLevel::Copies);
    if (watched.collector->degraded())
        GTEST_SKIP() << watched.collector->status();
    if (!anyDevice())
        GTEST_SKIP() << "There is no GPU.";
    std::vector<double> latencies;
    Program program;
    for (int i = 0; i < 60; ++i) {
        const auto before = watched.log.all<GpuCopySpan>().size();
        const auto span = program.fetch(watched.collector->scopes(), i, watched.clock);
        while (watched.log.all<GpuCopySpan>().size() < before + 2 && watched.clock.now() - span.end < 1'000'000'000)
            std::this_thread::sleep_for(std::chrono::microseconds(200));
        latencies.push_back(static_cast<double>(watched.clock.now() - span.end) / 1e6);
    }
    std::sort(latencies.begin(), latencies.end());
    std::printf("from the end of a copy to its event: median %.1f ms, p99 %.1f ms\n", latencies[30], latencies[59]);
    watched.collector->finish();
}

} // namespace
} // namespace moescope::gpu
