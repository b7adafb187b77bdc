#pragma once
#include "engine/expert/expert_mover.h"
#include "engine/policy/prefetch_watch.h"
#include "engine/policy/spare_time.h"

#include <array>

namespace moescope::expert {

/// Takes the times that prefetching is judged by: windows between questions, copies, what guesses hid and what they made wait.
/// Part of ExpertSupply, which tells it what happens; decides nothing. One thread.
class PrefetchMeter {
public:
    explicit PrefetchMeter(int layers);

    policy::PrefetchWatch::Turn beginStep(trace::Phase phase);
    void asked(int layer, trace::TimeNs now);
    void ended(trace::TimeNs now);
    void linkChanged();
    policy::PrefetchWatch::Turn setWatched(bool watched);

    /// A demand copy is over. guessesUnderWay: some guess had been requested and had not arrived when it was asked for.
    void demandCopied(const TransferDone& done);
    void demandRequested(bool guessesUnderWay) { m_guessesUnderWay = m_guessesUnderWay || guessesUnderWay; }
    /// A guess that was asked for at askedAt, before it had arrived.
    void lateGuessCopied(const TransferDone& done, trace::TimeNs askedAt);
    void guessUsed(trace::TimeNs hidden);
    void guessResolved() { m_watch.guessed(); }
    /// An expert was missed that had left for a guess a moment ago.
    void regretted() { m_watch.delayed(m_demandNs); }

    const policy::SpareTime& spare() const { return m_spare[m_phase]; }
    const policy::PrefetchWatch& watch() const { return m_watch; }
    bool resting() const { return m_watched && m_watch.resting(); }

private:
    void close(int window, trace::TimeNs now);
    void open(int window, trace::TimeNs now);

    int m_layers;
    std::array<policy::SpareTime, 2> m_spare; ///< by trace::Phase
    std::size_t m_phase = 1;
    policy::PrefetchWatch m_watch;
    bool m_watched = true;

    int m_window = -1; ///< that is open; -1: none
    trace::TimeNs m_openedAt = 0;
    trace::TimeNs m_windowDemand = 0; ///< link time of demand in it
    bool m_guessesUnderWay = false;   ///< at the open question
    trace::TimeNs m_linkFreeAt = 0;   ///< end of the last demand copy
    double m_handOverNs = -1;         ///< of a demand copy that no guess was in the way of; -1: unknown
    trace::TimeNs m_demandNs = 0;     ///< of the last demand copy
};

} // namespace moescope::expert
