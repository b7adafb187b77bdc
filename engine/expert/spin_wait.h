#pragma once
#include <chrono>

namespace moescope::expert {

/// Tells the core that this is a waiting loop, so that its sibling gets the execution units.
inline void relaxCpu() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

/// Spins until done() holds, for `limit` at most; true if it holds. For waits that are usually shorter than falling asleep.
template <class Done>
bool spinUntil(std::chrono::nanoseconds limit, Done done) {
    const auto end = std::chrono::steady_clock::now() + limit;
    do {
        if (done())
            return true;
        relaxCpu();
    } while (std::chrono::steady_clock::now() < end);
    return done();
}

} // namespace moescope::expert
