#pragma once
#include "engine/expert/expert_mover.h"

#include <array>
#include <deque>
#include <optional>

namespace moescope::expert {

/// One transfer between its request and its end.
struct Transfer {
    trace::TransferId id;
    TransferRequest request;
    trace::TimeNs queuedAt = 0;
    trace::TimeNs begin = 0; ///< first byte; meaningful once started
    trace::TimeNs end = 0;   ///< last byte so far
    int nextBlock = 0;       ///< blocks before it have moved
    int begunBlocks = 0;     ///< blocks before it have moved or are under way
    std::int64_t bytes = 0;  ///< moved so far
    bool promoted = false;   ///< a prefetch that is now needed
    bool emulated = false;   ///< some block went over an emulated link
    bool toldFirst = false;  ///< that its first part has arrived
    bool started() const { return nextBlock > 0; }
    bool urgent() const { return promoted || request.cause == trace::TransferCause::Demand; }
    TransferDone done(trace::TransferOutcome outcome) const {
        return {id, request.key, outcome, queuedAt, begin, end, bytes, false};
    }
};

/// Which transfer moves next: demand, then prefetch, then allocation; first come, first served within each. Pure: no thread, no
/// clock. A mover owns it and guards it.
class TransferQueue {
public:
    void push(const Transfer& transfer);
    /// A transfer that made way for demand: it is the first of its rank again.
    void putBack(const Transfer& transfer);
    /// To the end of the demand queue; false if it is not queued (or was urgent already).
    bool promote(trace::TransferId id);
    /// Takes it out; nothing if it is not queued.
    std::optional<Transfer> remove(trace::TransferId id);
    std::optional<Transfer> pop();

    const Transfer* find(trace::TransferId id) const;
    bool demandWaits() const { return !m_ranks[0].empty(); }
    bool empty() const;

private:
    using Rank = std::deque<Transfer>;
    std::array<Rank, 3> m_ranks;
};

} // namespace moescope::expert
