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
    std::uint8_t predictedDepths = 0; ///< how many gate predictions for the next layers the payload holds
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

using Event = std::variant<PromptBegan, TokenPrompted, TokenEmitted, AnswerEnded, ExpertsChosen, ExpertHit, ExpertMissed,
                           ExpertEvicted, PrefetchIssued, PrefetchResolved, TransferSpan, StageSpan, StallSpan, SettingChanged,
                           SlotsAllocated, HostSample, EventsLost, NoteMade, RunFailed>;

static_assert(std::is_trivially_copyable_v<Event>, "events are copied through lock-free rings");
static_assert(sizeof(Event) <= 80, "keep events small: they are copied on the decode path");

/// When the event is complete: the instant, or the end of the span.
TimeNs timeOf(const Event& event);

} // namespace moescope::trace
