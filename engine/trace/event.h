#pragma once
// The closed set of things that can happen in a run. Small trivially copyable structs; what has no fixed size (text, gate
// probabilities) travels beside the event as its payload, see Tracer::emit. Adding a kind: one struct here, one table in
// profiler/session/schema, one line in each visit, which the compiler lists.
//
// Instants are past tense, what lasts ends in Span, what is measured ends in Sample. Enum values are on disk: append only.
#include "engine/trace/ids.h"

#include <cstdint>
#include <type_traits>
#include <variant>

namespace moescope::trace {

enum class Phase : std::uint8_t { Prefill = 0, Decode = 1 };
enum class Stage : std::uint8_t { Step = 0, Embed = 1, Attention = 2, Router = 3, Experts = 4, Output = 5, Sample = 6 };
enum class TransferCause : std::uint8_t { Demand = 0, Prefetch = 1, Allocation = 2 };
enum class TransferOutcome : std::uint8_t { Completed = 0, Cancelled = 1 };
enum class EvictionCause : std::uint8_t { Demand = 0, Prefetch = 1, Budget = 2 };
enum class EndReason : std::uint8_t {
    EndOfText = 0,
    StopString = 1,
    TokenLimit = 2,
    ContextFull = 3,
    Requested = 4,
    Failed = 5
};
enum class CopyDirection : std::uint8_t {
    HostToDevice = 0,
    DeviceToHost = 1,
    DeviceToDevice = 2,
    HostToHost = 3,
    PeerToPeer = 4,
    Fill = 5,
    Other = 6
};
enum class MemoryKind : std::uint8_t { Unknown = 0, Pageable = 1, Pinned = 2, Device = 3, Array = 4, Managed = 5 };
enum class WaitKind : std::uint8_t { Event = 0, StreamForEvent = 1, Stream = 2, Context = 3, Other = 4 };
/// Why records of the device are missing: its own buffers were full, the reader was behind, there was no room for times, or
/// a buffer could not be read.
enum class LossCause : std::uint8_t { DeviceBuffers = 0, HostBuffers = 1, Untimed = 2, Unreadable = 3 };

/// A question was accepted. Payload: the prompt as the user typed it, UTF-8.
struct PromptBegan {
    TimeNs at = 0;
    TurnIndex turn;
    TokenIndex firstToken;          ///< index of the first prompt token that this turn reads (after any reused prefix)
    std::int32_t promptTokens = 0;  ///< tokens this turn has to read
    std::int32_t reusedTokens = 0;  ///< tokens of the rendered conversation already in the KV cache
    std::int32_t contextTokens = 0; ///< the model's context limit
};

/// A prompt token that the model is about to read. Payload: its text, UTF-8 (may be an incomplete sequence).
struct TokenPrompted {
    TimeNs at = 0;
    TurnIndex turn;
    TokenIndex token;
    std::int32_t tokenId = 0;
};

/// A token was sampled. Payload: the text that it completes, UTF-8, whole characters only (may be empty).
struct TokenEmitted {
    TimeNs at = 0;
    TurnIndex turn;
    TokenIndex token;
    std::int32_t tokenId = 0;
    float logProbability = 0;     ///< natural log, of the sampled token under the unmodified softmax
    std::int32_t contextUsed = 0; ///< positions in the KV cache, this token counted
};

/// An answer is complete.
struct AnswerEnded {
    TimeNs at = 0;
    TurnIndex turn;
    EndReason reason = EndReason::EndOfText;
    std::int32_t tokens = 0; ///< tokens emitted in this turn
    TimeNs promptBeganAt = 0;
};

/// The router's decision for one token at one layer. Payload: see RoutingPayload (routing_payload.h).
struct ExpertsChosen {
    TimeNs at = 0;
    TokenIndex token;
    Layer layer;
    Phase phase = Phase::Decode;
    std::uint8_t candidates = 0;      ///< top-k before gating
    std::uint8_t kept = 0;            ///< how many of them run; the kept ones come first in the payload
    std::uint8_t predictedDepths = 0; ///< gate predictions for the next layers in the payload, see depthsOf()
    std::uint16_t experts = 0;        ///< experts of the layer, the width of the gate softmax
};

/// The expert was resident when asked for.
struct ExpertHit {
    TimeNs at = 0;
    TokenIndex token; ///< in prefill: the first token of the batch that wants it
    ExpertKey key;
};

/// The expert was not resident when asked for.
struct ExpertMissed {
    TimeNs at = 0;
    TokenIndex token;
    ExpertKey key;
    bool inFlight = false; ///< a prefetch of it was already on its way: the wait is shorter
};

/// The expert lost its slot.
struct ExpertEvicted {
    TimeNs at = 0;
    TokenIndex token;
    ExpertKey key;
    EvictionCause cause = EvictionCause::Demand;
    ExpertKey replacedBy; ///< invalid when the budget shrank
};

/// A prefetch was queued.
struct PrefetchIssued {
    TimeNs at = 0;
    TokenIndex token;
    ExpertKey key;
    TransferId transfer;
    std::uint8_t depth = 1; ///< layers ahead
    float probability = 0;  ///< predicted gate probability
};

/// What became of a prefetch: used before it was evicted, or not.
struct PrefetchResolved {
    TimeNs at = 0;
    TokenIndex token;
    ExpertKey key;
    TransferId transfer;
    bool used = false;
};

/// Bytes of one expert went over the link.
struct TransferSpan {
    TimeNs begin = 0;    ///< first byte
    TimeNs end = 0;      ///< last byte
    TimeNs queuedAt = 0; ///< begin - queuedAt is the queue wait
    TokenIndex token;    ///< token that asked for it
    ExpertKey key;
    TransferId transfer;
    TransferCause cause = TransferCause::Demand;
    TransferOutcome outcome = TransferOutcome::Completed;
    bool emulated = false;  ///< the link's speed is a cap, not a measurement
    std::int64_t bytes = 0; ///< bytes that really moved (fewer than the expert's when cancelled)
};

/// Part of a forward pass. layer is invalid for Step, Embed, Output and Sample. Step encloses the others.
struct StageSpan {
    TimeNs begin = 0;
    TimeNs end = 0;
    TokenIndex token;        ///< first token of the pass
    std::int32_t tokens = 1; ///< tokens in the pass (1 in decode)
    Layer layer;
    Stage stage = Stage::Step;
    Phase phase = Phase::Decode;
};

/// Compute waited for this expert: exposed transfer time. Lies inside an Experts stage.
struct StallSpan {
    TimeNs begin = 0;
    TimeNs end = 0;
    TokenIndex token;
    ExpertKey key;
    TransferId transfer;
};

/// A setting took effect. Payload: "name\0old\0new", UTF-8.
struct SettingChanged {
    TimeNs at = 0;
    TokenIndex token; ///< first token read under the new value
};

/// A layer's share of the expert cache. slots is the layer's capacity, or the whole pool's with an invalid layer.
struct SlotsAllocated {
    TimeNs at = 0;
    Layer layer;
    std::int32_t slots = 0;
};

/// The recording process, measured about twice a second.
struct HostSample {
    TimeNs at = 0;
    std::int64_t residentBytes = 0;
    float cpuPercent = 0;           ///< 100 = one core busy
    std::int32_t recorderLagUs = 0; ///< age of the oldest event when it was drained
};

/// Events that a full ring could not take. Counted, never hidden.
struct EventsLost {
    TimeNs at = 0;
    std::int64_t count = 0;
};

/// A note for the user that belongs to the record: a fallback, a recovery, a limit. Payload: one sentence.
struct NoteMade {
    TimeNs at = 0;
    TokenIndex token;
};

/// The run cannot go on. Payload: one sentence meant for the user.
struct RunFailed {
    TimeNs at = 0;
};

// What follows comes from a tracer of the device and not from the engine. Token, key, stage and transfer say for what the
// engine had the work done, where it said so: without a token outside a pass, without a transfer no expert's bytes. Such events
// come later than others: their times lie before those of events with a lower number.

/// The device copied, or filled, memory.
struct GpuCopySpan {
    TimeNs begin = 0;
    TimeNs end = 0;
    std::int64_t bytes = 0;
    TokenIndex token;
    ExpertKey key;
    TransferId transfer;
    std::int32_t stream = 0;
    std::uint32_t correlation = 0; ///< the tracer's number of the call that asked for it
    Stage stage = Stage::Step;
    CopyDirection direction = CopyDirection::Other;
    MemoryKind from = MemoryKind::Unknown;
    MemoryKind to = MemoryKind::Unknown;
};

/// The device ran a kernel; or a graph as a whole, where its nodes are not told one by one.
struct KernelSpan {
    TimeNs begin = 0;
    TimeNs end = 0;
    TokenIndex token;
    ExpertKey key;
    KernelId kernel;
    std::int32_t stream = 0;
    std::int32_t blocks = 0;  ///< thread blocks of the grid
    std::int32_t threads = 0; ///< of a block
    std::uint32_t correlation = 0;
    std::uint16_t registers = 0; ///< per thread
    Stage stage = Stage::Step;
    bool graph = false;
};

/// A kernel's name, before its first span. Payload: the name, UTF-8.
struct KernelNamed {
    TimeNs at = 0;
    KernelId kernel;
};

/// A thread, or a stream, waited for the device.
struct GpuWaitSpan {
    TimeNs begin = 0;
    TimeNs end = 0;
    TokenIndex token;
    ExpertKey key;
    std::int32_t stream = 0;
    std::uint32_t correlation = 0;
    Stage stage = Stage::Step;
    WaitKind kind = WaitKind::Other;
};

/// How the tracer's clock lies to the session's: session = tracer + offset, to within error.
struct ClockAligned {
    TimeNs at = 0;
    std::int64_t offsetNs = 0;
    std::int64_t errorNs = 0;      ///< of reading the two clocks
    std::int64_t deviceLeadNs = 0; ///< most by which device work seemed to begin before its own call, since the last one
};

/// The device tracer's own doings since its last sample.
struct TracerSample {
    TimeNs at = 0;
    std::int64_t records = 0;
    std::int64_t overheadNs = 0;     ///< time that the tracer says it took in calls and flushes
    std::int32_t longestFlushUs = 0; ///< of asking for what is complete, and reading it
    std::uint8_t level = 0;          ///< 0 engine only, 1 copies, 2 launches and waits, 3 kernels
};

/// Records of the device that were lost in a stretch of time. Counted, never hidden.
struct RecordsLost {
    TimeNs begin = 0;
    TimeNs end = 0;
    std::int64_t count = 0;
    LossCause cause = LossCause::DeviceBuffers;
};

/// What recording the device cost: answers with and without it, in turn, in one run.
struct OverheadMeasured {
    TimeNs at = 0;
    std::int64_t offTokenNs = 0; ///< median time per decoded token without
    std::int64_t onTokenNs = 0;  ///< and with it
    std::int32_t pairs = 0;      ///< answers of each
    std::int32_t tokens = 0;     ///< decoded tokens of an answer
    float lowShare = 0;          ///< first and third quartile of on / off - 1 over the pairs
    float highShare = 0;
    std::uint8_t level = 0;
};

/// The GPU as its driver sees it.
struct GpuSample {
    TimeNs at = 0;
    std::int64_t memoryUsedBytes = 0;
    float busyPercent = 0;       ///< of the last sampling period, some kernel ran
    float memoryBusyPercent = 0; ///< likewise its memory
    float watts = 0;
    std::int32_t clockMhz = 0;       ///< of the multiprocessors
    std::uint8_t linkGeneration = 0; ///< PCIe, as it runs now
    std::uint8_t linkWidth = 0;      ///< lanes
};

/// A missed expert was computed where it waits, by the processor, and did not travel. Lies inside an Experts stage.
struct InPlaceSpan {
    TimeNs begin = 0;
    TimeNs end = 0;
    TokenIndex token;
    ExpertKey key;
    std::int32_t tokens = 1; ///< of the pass that use it
    std::int64_t bytes = 0;  ///< of its weights, read by the processor
};

/// What the device's own counters counted over a stretch of time, one reading of a series. Percentages are of what the device
/// can do at most.
struct CounterSample {
    TimeNs begin = 0;
    TimeNs end = 0;
    std::int64_t fromHostBytes = 0; ///< over the link, to the device
    std::int64_t toHostBytes = 0;
    float memoryReadPercent = 0;
    float memoryWritePercent = 0;
    float multiprocessorPercent = 0; ///< some warp was there
    float tensorPercent = 0;         ///< their tensor pipes worked
};

using Event =
    std::variant<PromptBegan, TokenPrompted, TokenEmitted, AnswerEnded, ExpertsChosen, ExpertHit, ExpertMissed, ExpertEvicted,
                 PrefetchIssued, PrefetchResolved, TransferSpan, StageSpan, StallSpan, SettingChanged, SlotsAllocated,
                 HostSample, EventsLost, NoteMade, RunFailed, GpuCopySpan, KernelSpan, KernelNamed, GpuWaitSpan, ClockAligned,
                 TracerSample, RecordsLost, OverheadMeasured, GpuSample, InPlaceSpan, CounterSample>;

static_assert(std::is_trivially_copyable_v<Event>, "events are copied through lock-free rings");
static_assert(sizeof(Event) <= 80, "keep events small: they are copied on the decode path");

/// When the event is complete: the instant, or the end of the span.
TimeNs timeOf(const Event& event);

} // namespace moescope::trace
