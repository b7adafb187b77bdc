#pragma once
// What a reader of a session knows at one instant: the contract between reducers and views. Built by SnapshotBuilder on the
// feed thread, published as shared_ptr<const Snapshot>, read by panels. All values; a default one is an empty session.
#include "engine/policy/sensitivities.h"
#include "engine/trace/event.h"
#include "engine/trace/routing_payload.h"
#include "profiler/analysis/device_traffic.h"
#include "profiler/analysis/summary.h"
#include "profiler/analysis/track.h"
#include "profiler/session/session_info.h"
#include "profiler/session/session_reader.h"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace moescope::analysis {

enum class TokenRole : std::uint8_t { Prompt, Generated };

/// One position of the stream. Index in Snapshot::tokens == TokenIndex.
struct TokenRecord {
    std::int32_t tokenId = 0;
    trace::TurnIndex turn;
    TokenRole role = TokenRole::Generated;
    std::string text;
    trace::TimeNs at = 0; ///< prompted or emitted
    float logProbability = 0;
    std::int32_t pass = -1; ///< index in Snapshot::passes of the pass that read it, -1 until read
    std::int32_t contextUsed = 0;
};

/// One forward pass: a decode step or a prefill batch, with everything it cost.
struct PassRecord {
    trace::TokenIndex firstToken;
    std::int32_t tokens = 1;
    trace::Phase phase = trace::Phase::Decode;
    trace::TimeNs begin = 0;
    trace::TimeNs end = 0;
    std::array<trace::TimeNs, 7> stageNs{}; ///< by trace::Stage; Experts without its stalls, Step = total
    trace::TimeNs stallNs = 0;
    trace::TimeNs otherNs = 0; ///< total minus all named parts
    std::int32_t hits = 0;
    std::int32_t misses = 0;
    std::int32_t evictions = 0;
    std::int64_t bytesDemand = 0;
    std::int64_t bytesPrefetch = 0;
    float meanKept = 0; ///< experts run per token and layer
};

/// One router decision. Index in Snapshot::choices == token * layers + layer (missing ones have candidates == 0).
struct ChoiceRecord {
    std::uint8_t candidates = 0;
    std::uint8_t kept = 0;
    trace::Phase phase = trace::Phase::Decode;
    std::array<std::uint16_t, trace::kMaxTopK> ids{};
    std::array<std::uint16_t, trace::kMaxTopK> weights{}; ///< float16, before dropping
    std::uint16_t predictedHits = 0; ///< of the candidates, how many the previous layer predicted; 0xffff unknown
    float droppedShare = 0;          ///< what gating dropped
    float secondShare = 0;           ///< candidates' weight beyond the first: what could be dropped
    float gateEntropy = 0;           ///< nats, of the whole softmax
};

struct TurnRecord {
    trace::TurnIndex turn;
    std::string prompt;
    std::string answer;
    trace::TokenIndex firstToken;       ///< first prompt token read
    trace::TokenIndex firstAnswerToken; ///< invalid until one is emitted
    std::int32_t promptTokens = 0;
    std::int32_t answerTokens = 0;
    std::int32_t contextUsed = 0;
    std::int32_t contextTokens = 0;
    trace::TimeNs began = 0;
    trace::TimeNs firstTokenAt = -1; ///< TTFT = firstTokenAt - began
    trace::TimeNs ended = -1;        ///< -1 while running
    trace::EndReason reason = trace::EndReason::EndOfText;
    std::int64_t bytesMoved = 0; ///< over the link during the turn
    float meanKept = 0;
    double decodeTokensPerSecond = 0;
};

struct SettingChangeRecord {
    trace::TimeNs at = 0;
    trace::TokenIndex token;
    std::string name, before, after;
};

struct NoteRecord {
    trace::TimeNs at = 0;
    trace::TokenIndex token;
    std::string text;
    bool failure = false;
};

/// Events that no ring could take: somewhere between the last event that was kept and the time the loss was noticed.
struct GapRecord {
    trace::TimeNs begin = 0;
    trace::TimeNs end = 0;
    std::int64_t events = 0;
};

/// One expert's life so far, for "why is it here" and *Selected*.
struct ExpertRecord {
    std::int64_t hits = 0, misses = 0, evictions = 0, transfers = 0, wasted = 0;
    std::int64_t bytes = 0;
    trace::TimeNs waitNs = 0; ///< sum of stalls for it
    trace::TokenIndex lastUsed;
    float lastWeight = 0;
    trace::TokenIndex residentSince;
    trace::TransferCause lastCause = trace::TransferCause::Demand;
};

/// What became of the guesses at one layer's experts. Bytes are those that moved, also of guesses that were broken off.
struct PrefetchRecord {
    std::int64_t issued = 0, resolved = 0, used = 0;
    std::int64_t bytes = 0, bytesUsed = 0, bytesWasted = 0; ///< used and wasted once it is known which
    /// Of used guesses, the part of their copies that was over when the layer asked.
    trace::TimeNs hiddenNs = 0;
    double precision() const { return resolved > 0 ? static_cast<double>(used) / static_cast<double>(resolved) : -1; }
};

struct LayerRecord {
    std::int64_t hits = 0, misses = 0;
    std::int64_t decisions = 0, kept = 0, single = 0; ///< single: decisions with candidates > 1 and kept == 1
    /// By the gate of the layer before; at the first layer by what the extra gate foresaw from the token before.
    std::int64_t predictedSlots = 0, predictedHits = 0;
    PrefetchRecord prefetch;
    double recall() const {
        return predictedSlots > 0 ? static_cast<double>(predictedHits) / static_cast<double>(predictedSlots) : -1;
    }
    double optimumHitRate = -1;           ///< Belady on the recorded accesses and the current slots; -1 unknown
    int slots = 0;                        ///< -1: global pool
    double droppedSum = 0, secondSum = 0; ///< over the decode decisions
};

struct Snapshot {
    std::shared_ptr<const session::SessionInfo> info;
    std::shared_ptr<const policy::Sensitivities> calibration; ///< of the session's model; null: not known
    std::string file;
    std::int64_t seq = 0;         ///< events up to here are in it
    trace::TimeNs now = 0;        ///< time of the last event in it: the cursor
    trace::TimeNs sessionEnd = 0; ///< last committed time known, >= now
    bool live = false;            ///< the file may still grow
    bool atEnd = true;            ///< now is the newest there is

    int layers = 0, experts = 0;
    Track<TokenRecord> tokens;
    Track<PassRecord> passes;
    Track<ChoiceRecord> choices;
    std::vector<TurnRecord> turns;
    std::vector<SettingChangeRecord> changes;
    std::vector<NoteRecord> notes;
    std::vector<GapRecord> gaps;
    std::vector<std::pair<std::string, std::string>> settings; ///< in force at `now`
    std::vector<ExpertRecord> expertLives;                     ///< [layer*experts + expert]
    std::vector<LayerRecord> layerLives;                       ///< [layers]
    session::ResidencyGrid residency;
    int slotsTotal = 0;
    DeviceTraffic device;
    Summary summary;
};

using SnapshotPtr = std::shared_ptr<const Snapshot>;

} // namespace moescope::analysis
