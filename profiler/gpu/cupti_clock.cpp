#include "profiler/gpu/cupti_clock.h"

#include <array>
#include <atomic>
#include <chrono>
#include <span>

namespace moescope::gpu {
namespace {

constexpr int kClockReadings = 64;

std::uint64_t CUPTIAPI steadyTime() {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count());
}

} // namespace

void registerCuptiClock(decltype(CuptiApi::registerTimestamp) registerTimestamp) {
    static std::atomic<decltype(CuptiApi::registerTimestamp)> registered = nullptr;
    if (registered.exchange(registerTimestamp) != registerTimestamp)
        registerTimestamp(steadyTime);
}

bool lookAtClocks(decltype(CuptiApi::timestamp) timestamp, const trace::Clock& clock, ClockAlignment& into) {
    std::array<ClockReading, kClockReadings> readings;
    std::size_t taken = 0;
    for (ClockReading& reading : readings) {
        std::uint64_t tracer = 0;
        reading.before = clock.now();
        const CUptiResult result = timestamp(&tracer);
        reading.after = clock.now();
        if (result != CUPTI_SUCCESS)
            break;
        reading.tracer = static_cast<std::int64_t>(tracer);
        ++taken;
    }
    if (taken == 0)
        return false;
    into = alignClocks(std::span(readings).first(taken));
    return true;
}

} // namespace moescope::gpu
