#pragma once
#include "engine/trace/clock.h"
#include "engine/trace/event.h"

#include <string>
#include <vector>

namespace moescope::expert {

/// What a block that was copied in the background moved, and when it was on the link: no later than from begin, no earlier
/// than to end, by the clock that endBlock() was given.
struct BlockMoved {
    std::int64_t bytes = 0;
    trace::TimeNs begin = 0;
    trace::TimeNs end = 0;
};

/// First: gate and up, and what is made of them. Rest: down.
enum class ExpertPart : std::uint8_t { Whole, First, Rest };

/// Copies one expert's bytes into a slot, in blocks. Implemented by each backend. Blocks are loaded on the mover's thread,
/// into slots that the engine does not touch at that time.
class ExpertLoader {
public:
    virtual ~ExpertLoader() = default;
    virtual std::int64_t expertBytes(trace::ExpertKey key) const = 0; ///< bytes over the link for this expert
    virtual int blocks(trace::ExpertKey key) const = 0;               ///< >= 1; a transfer may be cancelled between two
    /// Of these, after how many the expert's first part (gate and up) can be computed while the rest travels; all of them where
    /// parts are not told apart.
    virtual int blocksOfFirstPart(trace::ExpertKey key) const { return blocks(key); }
    virtual std::int64_t loadBlock(trace::ExpertKey key, int slot, int block) = 0; ///< returns the bytes moved

    /// How many blocks the loader copies in the background, in the order begun, so that the link need not wait for the host
    /// between two. 1: there is only loadBlock().
    virtual int blocksAtOnce() const { return 1; }
    /// Begins a block, which is handed over at `now`. urgent: an expert that is waited for, not a guess.
    virtual void beginBlock(trace::ExpertKey, int /*slot*/, int /*block*/, bool /*urgent*/, trace::TimeNs /*now*/) {}
    /// Waits for the oldest block begun. The clock is that of the times given to beginBlock().
    virtual BlockMoved endBlock(const trace::Clock&) { return {}; }
};

/// Speed of the emulated link. bytesPerSecond 0 = not emulated: as fast as the machine copies.
struct Link {
    std::string name = "none";
    double bytesPerSecond = 0;
    std::int64_t latencyNs = 0; ///< per transfer
    bool emulated() const { return bytesPerSecond > 0; }
};
/// none | pcie3x4 | pcie3x16 | pcie4x16 | pcie5x16 | nvme7 | a number of GB/s. Throws std::invalid_argument with one sentence.
Link parseLink(std::string_view text);
std::vector<std::string> linkNames();

struct TransferRequest {
    trace::ExpertKey key;
    int slot = -1;
    trace::TransferCause cause = trace::TransferCause::Demand;
    trace::TokenIndex token;
};
struct TransferDone {
    trace::TransferId transfer;
    trace::ExpertKey key;
    trace::TransferOutcome outcome = trace::TransferOutcome::Completed;
    trace::TimeNs queuedAt = 0; ///< when it was requested
    trace::TimeNs begin = 0;    ///< first byte; 0, like end, if none moved
    trace::TimeNs end = 0;      ///< last byte
    std::int64_t bytes = 0;     ///< that moved
    bool firstPart = false;     ///< only the first part has arrived; the transfer goes on, and is heard of again
};

/// "Bring these bytes into that slot", asynchronous. Demand before prefetch, first come first served within each.
/// All calls from the engine's thread. Emits TransferSpan for every transfer that moved bytes; one that was cancelled before
/// its first byte leaves none. A failure of the loader comes out of waitForOne() as the loader's exception.
class ExpertMover {
public:
    virtual ~ExpertMover() = default;
    virtual trace::TransferId request(const TransferRequest& request) = 0;
    /// A prefetch is now needed: it moves to the demand queue (if not already moving).
    virtual void promote(trace::TransferId transfer) = 0;
    /// Takes effect at the next block boundary; its TransferDone says Cancelled, or Completed if it was too late.
    virtual void cancel(trace::TransferId transfer) = 0;
    /// Like cancel, but lets a transfer finish whose bytes are on the link at this moment: a guess that came too late.
    virtual void withdraw(trace::TransferId transfer) { cancel(transfer); }
    /// What finished since the last call, in order of completion; and urgent transfers of which the first part has arrived.
    virtual std::vector<TransferDone> poll() = 0;
    /// Blocks until there is something that poll() has not returned; returns at once if nothing is under way.
    virtual void waitForOne() = 0;
    virtual void setLink(const Link& link) = 0;
};

} // namespace moescope::expert
