#pragma once
#include "engine/trace/ids.h"

#include <cstdint>
#include <vector>

namespace moescope::policy {

/// Weighs what guesses gained against what they cost, over a sliding window of steps, and rests them while they lose: the time
/// of copying that used guesses took off the critical path, against the time that demand waited because of guesses. After a
/// rest they are tried again; each failure in a row doubles the rest. Pure: it is told numbers. Allocates nothing once built.
/// One thread.
class PrefetchWatch {
public:
    struct Limits {
        int window = 32;    ///< steps that are weighed
        int fewest = 16;    ///< guesses in the window without which nothing is concluded
        int rest = 64;      ///< steps
        int longest = 1024; ///< steps of the longest rest
    };
    struct Balance {
        std::int64_t guesses = 0;
        trace::TimeNs hidden = 0;
        trace::TimeNs delay = 0;
    };
    enum class Turn : std::uint8_t { None, Rests, Resumes };

    PrefetchWatch() : PrefetchWatch(Limits{}) {}
    explicit PrefetchWatch(const Limits& limits)
        : m_limits(limits), m_steps(static_cast<std::size_t>(limits.window)), m_rest(limits.rest) {}

    /// What became known since the last endStep().
    void guessed() { ++m_open.guesses; }
    void hid(trace::TimeNs time) { m_open.hidden += time; }
    void delayed(trace::TimeNs time) { m_open.delay += time; }

    /// Says when guesses begin or end to rest. What is told during a rest does not count.
    Turn endStep();
    bool resting() const { return m_restLeft > 0; }
    /// Of the window; right after Turn::Rests, of the one that lost.
    const Balance& balance() const { return m_sum; }
    int restSteps() const { return m_restLeft; }

private:
    Limits m_limits;
    Balance m_open;
    Balance m_sum;
    std::vector<Balance> m_steps; ///< [window], a ring
    std::size_t m_next = 0;       ///< in m_steps
    std::size_t m_known = 0;      ///< steps in it
    int m_rest;                   ///< of the next failure
    int m_restLeft = 0;           ///< steps; 0: guesses are welcome
};

} // namespace moescope::policy
