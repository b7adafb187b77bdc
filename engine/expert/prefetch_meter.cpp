#include "engine/expert/prefetch_meter.h"

#include <algorithm>

namespace moescope::expert {

using policy::PrefetchWatch;

PrefetchMeter::PrefetchMeter(int layers) : m_layers(layers), m_spare{policy::SpareTime(layers), policy::SpareTime(layers)} {}

PrefetchWatch::Turn PrefetchMeter::beginStep(trace::Phase phase) {
    m_phase = static_cast<std::size_t>(phase);
    // Between a prompt and what follows lies a person.
    if (phase == trace::Phase::Prefill)
        m_window = -1;
    return m_watched ? m_watch.endStep() : PrefetchWatch::Turn::None;
}

PrefetchWatch::Turn PrefetchMeter::setWatched(bool watched) {
    const bool rested = resting();
    m_watched = watched;
    if (!watched)
        m_watch = {};
    return rested && !watched ? PrefetchWatch::Turn::Resumes : PrefetchWatch::Turn::None;
}

void PrefetchMeter::asked(int layer, trace::TimeNs now) {
    close((layer + m_layers - 1) % m_layers, now);
    m_guessesUnderWay = false;
    if (layer + 1 < m_layers)
        open(layer, now);
}

void PrefetchMeter::ended(trace::TimeNs now) {
    open(m_layers - 1, now);
}

void PrefetchMeter::open(int window, trace::TimeNs now) {
    m_window = window;
    m_openedAt = now;
    m_windowDemand = 0;
}

void PrefetchMeter::close(int window, trace::TimeNs now) {
    if (m_window == window)
        m_spare[m_phase].window(window, now - m_openedAt, m_windowDemand);
    m_window = -1;
}

void PrefetchMeter::linkChanged() {
    for (policy::SpareTime& spare : m_spare)
        spare.forgetSpeed();
    m_handOverNs = -1;
}

void PrefetchMeter::demandCopied(const TransferDone& done) {
    if (done.end <= done.begin)
        return;
    m_demandNs = done.end - done.begin;
    m_windowDemand += done.end - std::max(done.begin, m_openedAt);
    for (policy::SpareTime& spare : m_spare)
        spare.copied(done.bytes, m_demandNs);
    const auto wait = static_cast<double>(std::max<trace::TimeNs>(0, done.begin - std::max(done.queuedAt, m_linkFreeAt)));
    m_linkFreeAt = done.end;
    if (!m_guessesUnderWay) {
        constexpr double kNew = 1.0 / 8;
        m_handOverNs = m_handOverNs < 0 ? wait : m_handOverNs + kNew * (wait - m_handOverNs);
    } else if (m_handOverNs >= 0 && wait > m_handOverNs) {
        m_watch.delayed(static_cast<trace::TimeNs>(wait - m_handOverNs));
    }
}

void PrefetchMeter::lateGuessCopied(const TransferDone& done, trace::TimeNs askedAt) {
    if (done.end <= done.begin)
        return;
    m_windowDemand += std::max<trace::TimeNs>(0, done.end - std::max({done.begin, m_openedAt, askedAt}));
    guessUsed(std::clamp<trace::TimeNs>(askedAt - done.begin, 0, done.end - done.begin));
}

void PrefetchMeter::guessUsed(trace::TimeNs hidden) {
    m_watch.hid(hidden);
}

} // namespace moescope::expert
