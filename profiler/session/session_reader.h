#pragma once
#include "profiler/session/batch.h"
#include "profiler/session/session_info.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace moescope::session {

/// Lanes of the timeline, as level-of-detail rows know them. On disk: append only.
enum class Lane : std::uint8_t {
    Tokens = 0,
    Layers = 1,
    Stages = 2,
    CopyDemand = 3,
    CopyPrefetch = 4,
    Stalls = 5,
    CopyOther = 6,
    ToDevice = 7,          ///< the device's own copies from the host
    OtherDeviceCopies = 8, ///< and in every other direction
    Kernels = 9,
    InPlace = 10, ///< missed experts that the processor computed
    // Readings of the device's counters.
    LinkIn = 11, ///< bytes from the host
    LinkOut = 12,
    MemoryBusy = 13, ///< in these three, busy time is the reading's percentage of its time
    Multiprocessors = 14,
    TensorPipes = 15
};

/// A drawn bar: one span, or a run of spans too small to be told apart.
struct LaneBar {
    trace::TimeNs begin = 0;
    trace::TimeNs end = 0;
    trace::TimeNs busyNs = 0; ///< covered time within; busyNs/(end-begin) is the coverage
    std::int32_t count = 1;
    std::int32_t colourKey = 0; ///< of the longest member: stage, layer, or transfer category (see FORMAT.md)
    std::int64_t bytes = 0;
    std::int64_t seq = 0; ///< of the event if count == 1, else of the longest member
};

struct LaneQuery {
    Lane lane = Lane::Tokens;
    trace::TimeNs begin = 0;
    trace::TimeNs end = 0;
    trace::TimeNs resolutionNs = 1; ///< spans shorter than this may be merged (time per pixel)
};

/// Residency of every expert at an instant, [layer*experts + expert]: 0 absent, 1 loading, 2 resident.
struct ResidencyGrid {
    int layers = 0;
    int experts = 0;
    std::vector<std::uint8_t> state;
    std::int64_t seq = 0; ///< events up to and including this one are in it
};

/// Reads a session, live or finished. Never writes to a finished file. One thread per reader; any number of readers.
/// The file comes from outside: sizes, counts and enum values are checked; a bad file gives one sentence
/// (std::runtime_error), a newer schema is refused by name.
class SessionReader {
public:
    explicit SessionReader(const std::filesystem::path& path);
    ~SessionReader();
    SessionReader(SessionReader&&) noexcept;

    const SessionInfo& info() const;
    /// Re-reads what changes while live. Returns info().finished().
    bool refresh();

    /// The next committed batch after the cursor, or nothing yet (live) or at all (finished).
    std::optional<Batch> next();
    /// Moves the cursor: next() then begins with the batch that holds seq (1 = from the start).
    void seek(std::int64_t seq);

    std::int64_t lastSeq() const;   ///< of the last committed batch known; refresh() updates it
    trace::TimeNs lastTime() const; ///< committedAt of it
    /// seq of the last event at or before the time (by batch, then event), 0 if none.
    std::int64_t seqAt(trace::TimeNs time);
    /// Events with first <= seq <= last, as one batch.
    Batch read(std::int64_t first, std::int64_t last);
    /// Of these only the TokenEmitted events: cheap in a long session.
    Batch readTokens(std::int64_t first, std::int64_t last);

    std::vector<LaneBar> lane(const LaneQuery& query);
    /// Bytes over the link per bucket of the query's width: {demand, prefetch, allocation}.
    struct LinkBucket {
        trace::TimeNs begin = 0;
        trace::TimeNs end = 0;
        std::int64_t bytes[3] = {0, 0, 0};
    };
    /// By whom: the engine of its transfers; the device's tracer of its copies, or the device's counters (all under [0]).
    enum class LinkSource : std::uint8_t { Engine, Copies, Counters };
    std::vector<LinkBucket> linkBytes(trace::TimeNs begin, trace::TimeNs end, int buckets,
                                      LinkSource source = LinkSource::Engine);
    /// One keyframe and a short tail.
    ResidencyGrid residencyAt(std::int64_t seq);

    /// Integrity: every complaint is one sentence; empty = sound. Reads everything.
    std::vector<std::string> verify();
    std::int64_t fileBytes() const;

private:
    struct State;
    std::unique_ptr<State> m_state;
};

/// application_id and schema version of files this program writes.
inline constexpr std::int32_t kApplicationId = 0x4d6f4553; // "MoES"
inline constexpr int kSchemaVersion = 3;

} // namespace moescope::session
