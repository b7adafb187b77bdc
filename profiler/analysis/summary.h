#pragma once
#include <cstdint>
#include <string>

namespace moescope::analysis {

/// The figures of a session (or of its part up to a cursor). Field names are the keys of `report --json` in camelCase.
/// Rates are 0..1; -1 = not defined yet (nothing to divide by).
struct Summary {
    std::int64_t tokens = 0; ///< emitted
    std::int64_t promptTokens = 0;
    double decodeTokensPerSecond = 0;    ///< emitted after the first of each turn, over the time from the first to the last
    double ttftMs = 0;                   ///< median over turns
    std::int64_t expertChoices = 0;      ///< candidates, decode and prefill
    std::int64_t expertExecutions = 0;   ///< kept
    double meanExpertsPerTokenLayer = 0; ///< decode
    double singleExpertShare = 0;        ///< decode
    std::int64_t hits = 0, misses = 0;
    double hitRate = -1;
    double optimumHitRate = -1; ///< Belady without prefetch, same accesses, same slots (belady.h)
    std::int64_t evictions = 0;
    std::int64_t poolSlots = 0; ///< of the one pool for all layers; 0: layers have slots of their own
    double expertsPerToken = 0; ///< decode, over all layers
    bool poolCollapse = false;  ///< see poolCollapseSentence()
    /// By cause, cancelled parts counted: demand + prefetch + allocation + unattributed is all that the link carried.
    /// Unattributed: transfers without a valid key, or without a token where a token must have asked (demand, prefetch).
    std::int64_t bytesDemand = 0, bytesPrefetch = 0, bytesPrefetchUsed = 0, bytesPrefetchWasted = 0, bytesAllocation = 0,
                 bytesUnattributed = 0;
    std::int64_t prefetchIssued = 0, prefetchUsed = 0;
    double prefetchRecall = -1;          ///< next-layer gate's top-k against the choice, slots
    double prefetchPrecision = -1;       ///< used / resolved
    double prefetchHiddenMsPerToken = 0; ///< decode; copies of used guesses that were over when their layer asked
    double stallMsPerToken = 0;          ///< decode
    double overlapShare = -1;      ///< of the time of demand and prefetch transfers, the part in which compute did not wait
    double linkBytesPerSecond = 0; ///< while busy
    double linkUtilisation = 0;    ///< busy time over time of passes
    double tpotP50Ms = 0, tpotP95Ms = 0;
    std::int64_t inPlace = 0, bytesInPlace = 0; ///< misses that the processor computed where they wait; no bytes of the link
    double inPlaceMs = 0;                       ///< that they took
    double mbPerToken = 0;                      ///< 10^6 bytes over the link per decoded token
    double workingSetShare = 0;                 ///< experts run at least once
    double expertsFor90 = 0;                    ///< mean over layers of the experts that take 90 % of the executions
    double gateEntropy = 0;                     ///< nats, mean over decode decisions
    std::int64_t events = 0, eventsLost = 0;
    std::string link = "none";
    bool emulated = false;
    std::int64_t hostResidentBytes = 0;
};

} // namespace moescope::analysis
