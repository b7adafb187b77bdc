#pragma once
// Figures over a range of tokens, computed from a Snapshot when a panel asks. Pure functions.
#include "profiler/analysis/snapshot.h"

namespace moescope::analysis {

/// Half-open range of token indices.
struct TokenRange {
    std::int32_t begin = 0;
    std::int32_t end = 0;
    int size() const { return end > begin ? end - begin : 0; }
    friend bool operator==(const TokenRange&, const TokenRange&) = default;
};

enum class UsageValue : std::uint8_t { Count, MeanWeight, Share, Dropped };

/// [layer*experts + expert]
struct ExpertUsage {
    int layers = 0, experts = 0;
    std::vector<double> value;
    std::vector<double> layerTotal, expertTotal;
    std::vector<double> entropy;   ///< per layer, bits, of the choices' distribution
    std::vector<int> expertsFor90; ///< per layer
    double maximum = 0;
    std::int64_t decisions = 0;
};
ExpertUsage expertUsage(const Snapshot& snapshot, TokenRange range, UsageValue value);

/// Histogram of the candidates' weight beyond the first (what gating may drop), 0..1-1/topK, over a layer or all (-1).
struct GateHistogram {
    double upper = 0.5;
    std::vector<int> kept, dropped; ///< [bins]: decisions whose tail ran / was dropped
    std::int64_t decisions = 0;
};
GateHistogram gateHistogram(const Snapshot& snapshot, TokenRange range, int layer, int bins);

struct GateShare {
    double meanExperts = 0;
    double singleShare = 0;
    std::int64_t decisions = 0;
};
/// Per layer, last entry = all layers.
std::vector<GateShare> gateShares(const Snapshot& snapshot, TokenRange range);
/// The same, with the steps of an answer and the reading of prompts counted apart.
struct PhaseShares {
    std::vector<GateShare> decode, prefill;
};
PhaseShares phaseShares(const Snapshot& snapshot, TokenRange range);

/// Tokens whose pass overlaps the time range.
TokenRange tokensIn(const Snapshot& snapshot, trace::TimeNs begin, trace::TimeNs end);
/// Time from the begin of the first pass to the end of the last one of the tokens.
std::pair<trace::TimeNs, trace::TimeNs> timesOf(const Snapshot& snapshot, TokenRange range);

} // namespace moescope::analysis
