#include "profiler/record/host_sampler.h"

#include <sys/resource.h>
#include <unistd.h>

#include <fstream>

namespace moescope::record {
namespace {

std::chrono::microseconds cpuTime() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto time = [](const timeval& t) { return std::chrono::seconds(t.tv_sec) + std::chrono::microseconds(t.tv_usec); };
    return time(usage.ru_utime) + time(usage.ru_stime);
}

std::int64_t residentBytes() {
    std::int64_t total = 0;
    std::int64_t resident = 0;
    std::ifstream("/proc/self/statm") >> total >> resident;
    return resident * sysconf(_SC_PAGESIZE);
}

} // namespace

HostSampler::HostSampler() : m_wall(std::chrono::steady_clock::now()), m_cpu(cpuTime()) {}

trace::HostSample HostSampler::sample(trace::TimeNs at, std::int32_t recorderLagUs) {
    const auto wall = std::chrono::steady_clock::now();
    const auto cpu = cpuTime();
    const double seconds = std::chrono::duration<double>(wall - m_wall).count();
    const double busy = std::chrono::duration<double>(cpu - m_cpu).count();
    m_wall = wall;
    m_cpu = cpu;
    return {at, residentBytes(), seconds > 0 ? static_cast<float>(100 * busy / seconds) : 0.0F, recorderLagUs};
}

} // namespace moescope::record
