#include "engine/policy/prefetch_watch.h"

#include <algorithm>
#include <utility>

namespace moescope::policy {

PrefetchWatch::Turn PrefetchWatch::endStep() {
    const Balance step = std::exchange(m_open, {});
    if (m_restLeft > 0) {
        if (--m_restLeft > 0)
            return Turn::None;
        m_known = 0;
        m_sum = {};
        return Turn::Resumes;
    }
    if (m_known == m_steps.size()) {
        const Balance& oldest = m_steps[m_next];
        m_sum.guesses -= oldest.guesses;
        m_sum.hidden -= oldest.hidden;
        m_sum.delay -= oldest.delay;
    } else {
        ++m_known;
    }
    m_steps[m_next] = step;
    m_next = (m_next + 1) % m_steps.size();
    m_sum.guesses += step.guesses;
    m_sum.hidden += step.hidden;
    m_sum.delay += step.delay;
    if (m_sum.guesses < m_limits.fewest)
        return Turn::None;
    if (m_sum.delay > m_sum.hidden) {
        m_restLeft = m_rest;
        m_rest = std::min(m_limits.longest, 2 * m_rest);
        return Turn::Rests;
    }
    if (m_known == m_steps.size())
        m_rest = m_limits.rest;
    return Turn::None;
}

} // namespace moescope::policy
