#pragma once
#include "profiler/analysis/summary.h"

namespace moescope::analysis {

/// Calls back with (key, value, rate) for every figure, in the order of the struct. The keys are those of `report --json`;
/// rate tells that -1 means "not defined yet".
template <class Visit>
void forEachField(const Summary& s, Visit&& visit) {
    constexpr bool kPlain = false;
    constexpr bool kRate = true;
    visit("tokens", s.tokens, kPlain);
    visit("prompt_tokens", s.promptTokens, kPlain);
    visit("decode_tokens_per_second", s.decodeTokensPerSecond, kPlain);
    visit("ttft_ms", s.ttftMs, kPlain);
    visit("expert_choices", s.expertChoices, kPlain);
    visit("expert_executions", s.expertExecutions, kPlain);
    visit("mean_experts_per_token_layer", s.meanExpertsPerTokenLayer, kPlain);
    visit("single_expert_share", s.singleExpertShare, kPlain);
    visit("hits", s.hits, kPlain);
    visit("misses", s.misses, kPlain);
    visit("hit_rate", s.hitRate, kRate);
    visit("optimum_hit_rate", s.optimumHitRate, kRate);
    visit("evictions", s.evictions, kPlain);
    visit("pool_slots", s.poolSlots, kPlain);
    visit("experts_per_token", s.expertsPerToken, kPlain);
    visit("pool_collapse", s.poolCollapse, kPlain);
    visit("bytes_demand", s.bytesDemand, kPlain);
    visit("bytes_prefetch", s.bytesPrefetch, kPlain);
    visit("bytes_prefetch_used", s.bytesPrefetchUsed, kPlain);
    visit("bytes_prefetch_wasted", s.bytesPrefetchWasted, kPlain);
    visit("bytes_allocation", s.bytesAllocation, kPlain);
    visit("bytes_unattributed", s.bytesUnattributed, kPlain);
    visit("prefetch_issued", s.prefetchIssued, kPlain);
    visit("prefetch_used", s.prefetchUsed, kPlain);
    visit("prefetch_recall", s.prefetchRecall, kRate);
    visit("prefetch_precision", s.prefetchPrecision, kRate);
    visit("prefetch_hidden_ms_per_token", s.prefetchHiddenMsPerToken, kPlain);
    visit("stall_ms_per_token", s.stallMsPerToken, kPlain);
    visit("overlap_share", s.overlapShare, kRate);
    visit("link_bytes_per_second", s.linkBytesPerSecond, kPlain);
    visit("link_utilisation", s.linkUtilisation, kPlain);
    visit("tpot_p50_ms", s.tpotP50Ms, kPlain);
    visit("tpot_p95_ms", s.tpotP95Ms, kPlain);
    visit("in_place", s.inPlace, kPlain);
    visit("bytes_in_place", s.bytesInPlace, kPlain);
    visit("in_place_ms", s.inPlaceMs, kPlain);
    visit("mb_per_token", s.mbPerToken, kPlain);
    visit("working_set_share", s.workingSetShare, kPlain);
    visit("experts_for_90", s.expertsFor90, kPlain);
    visit("gate_entropy", s.gateEntropy, kPlain);
    visit("events", s.events, kPlain);
    visit("events_lost", s.eventsLost, kPlain);
    visit("link", s.link, kPlain);
    visit("emulated", s.emulated, kPlain);
    visit("host_resident_bytes", s.hostResidentBytes, kPlain);
}

} // namespace moescope::analysis
