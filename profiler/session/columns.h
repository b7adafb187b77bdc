#pragma once
// The columns of every event's table, once. The schema, the writer and the reader each walk these lists with a walker of
// their own, so a column cannot be written and not read. On disk: names and order are part of the format.
//
// A walker offers: instant, span, queueWait, id, key, number, flag, real, choice (an enum), text, routing, setting.
#include "engine/trace/event.h"

#include <array>
#include <string_view>
#include <utility>

namespace moescope::session {

/// Tables in the order of the alternatives of trace::Event.
inline constexpr std::array<std::string_view, std::variant_size_v<trace::Event>> kEventTables = {
    "prompt_began",  "token_prompted",  "token_emitted",     "answer_ended",      "experts_chosen", "expert_hit",
    "expert_missed", "expert_evicted",  "prefetch_issued",   "prefetch_resolved", "transfer_span",  "stage_span",
    "stall_span",    "setting_changed", "slots_allocated",   "host_sample",       "events_lost",    "note_made",
    "run_failed",    "gpu_copy_span",   "kernel_span",       "kernel_named",      "gpu_wait_span",  "clock_aligned",
    "tracer_sample", "records_lost",    "overhead_measured", "gpu_sample",        "in_place_span",  "counter_sample"};

/// The tables that sessions of format 1 have. A session may lack any of the others: then it has no such events.
inline constexpr std::size_t kFirstFormatTables = 19;

template <class Walker>
void walkColumns(Walker& walk, trace::PromptBegan& e) {
    walk.instant(e.at);
    walk.id("turn", e.turn);
    walk.id("first_token", e.firstToken);
    walk.number("prompt_tokens", e.promptTokens);
    walk.number("reused_tokens", e.reusedTokens);
    walk.number("context_tokens", e.contextTokens);
    walk.text("text");
}

template <class Walker>
void walkColumns(Walker& walk, trace::TokenPrompted& e) {
    walk.instant(e.at);
    walk.id("turn", e.turn);
    walk.id("token", e.token);
    walk.number("token_id", e.tokenId);
    walk.text("text");
}

template <class Walker>
void walkColumns(Walker& walk, trace::TokenEmitted& e) {
    walk.instant(e.at);
    walk.id("turn", e.turn);
    walk.id("token", e.token);
    walk.number("token_id", e.tokenId);
    walk.text("text");
    walk.real("log_probability", e.logProbability);
    walk.number("context_used", e.contextUsed);
}

template <class Walker>
void walkColumns(Walker& walk, trace::AnswerEnded& e) {
    walk.instant(e.at);
    walk.id("turn", e.turn);
    walk.choice("reason", e.reason, trace::EndReason::Failed);
    walk.number("tokens", e.tokens);
    walk.number("prompt_began_ns", e.promptBeganAt);
}

template <class Walker>
void walkColumns(Walker& walk, trace::ExpertsChosen& e) {
    walk.instant(e.at);
    walk.id("token", e.token);
    walk.id("layer", e.layer);
    walk.choice("phase", e.phase, trace::Phase::Decode);
    walk.number("candidates", e.candidates);
    walk.number("kept", e.kept);
    walk.number("predicted_depths", e.predictedDepths);
    walk.number("experts", e.experts);
    walk.routing("routing", e);
}

template <class Walker>
void walkColumns(Walker& walk, trace::ExpertHit& e) {
    walk.instant(e.at);
    walk.id("token", e.token);
    walk.key("layer", "expert", e.key);
}

template <class Walker>
void walkColumns(Walker& walk, trace::ExpertMissed& e) {
    walk.instant(e.at);
    walk.id("token", e.token);
    walk.key("layer", "expert", e.key);
    walk.flag("in_flight", e.inFlight);
}

template <class Walker>
void walkColumns(Walker& walk, trace::ExpertEvicted& e) {
    walk.instant(e.at);
    walk.id("token", e.token);
    walk.key("layer", "expert", e.key);
    walk.choice("cause", e.cause, trace::EvictionCause::Budget);
    walk.key("replaced_by_layer", "replaced_by_expert", e.replacedBy);
}

template <class Walker>
void walkColumns(Walker& walk, trace::PrefetchIssued& e) {
    walk.instant(e.at);
    walk.id("token", e.token);
    walk.key("layer", "expert", e.key);
    walk.id("transfer", e.transfer);
    walk.number("depth", e.depth);
    walk.real("probability", e.probability);
}

template <class Walker>
void walkColumns(Walker& walk, trace::PrefetchResolved& e) {
    walk.instant(e.at);
    walk.id("token", e.token);
    walk.key("layer", "expert", e.key);
    walk.id("transfer", e.transfer);
    walk.flag("used", e.used);
}

template <class Walker>
void walkColumns(Walker& walk, trace::TransferSpan& e) {
    walk.span(e.begin, e.end);
    walk.queueWait(e.queuedAt, e.begin);
    walk.id("token", e.token);
    walk.key("layer", "expert", e.key);
    walk.id("transfer", e.transfer);
    walk.choice("cause", e.cause, trace::TransferCause::Allocation);
    walk.choice("outcome", e.outcome, trace::TransferOutcome::Cancelled);
    walk.flag("emulated", e.emulated);
    walk.number("bytes", e.bytes);
}

template <class Walker>
void walkColumns(Walker& walk, trace::StageSpan& e) {
    walk.span(e.begin, e.end);
    walk.id("token", e.token);
    walk.number("tokens", e.tokens);
    walk.id("layer", e.layer);
    walk.choice("stage", e.stage, trace::Stage::Sample);
    walk.choice("phase", e.phase, trace::Phase::Decode);
}

template <class Walker>
void walkColumns(Walker& walk, trace::StallSpan& e) {
    walk.span(e.begin, e.end);
    walk.id("token", e.token);
    walk.key("layer", "expert", e.key);
    walk.id("transfer", e.transfer);
}

template <class Walker>
void walkColumns(Walker& walk, trace::SettingChanged& e) {
    walk.instant(e.at);
    walk.id("token", e.token);
    walk.setting("name", "old_value", "new_value");
}

template <class Walker>
void walkColumns(Walker& walk, trace::SlotsAllocated& e) {
    walk.instant(e.at);
    walk.id("layer", e.layer);
    walk.number("slots", e.slots);
}

template <class Walker>
void walkColumns(Walker& walk, trace::HostSample& e) {
    walk.instant(e.at);
    walk.number("resident_bytes", e.residentBytes);
    walk.real("cpu_percent", e.cpuPercent);
    walk.number("recorder_lag_us", e.recorderLagUs);
}

template <class Walker>
void walkColumns(Walker& walk, trace::EventsLost& e) {
    walk.instant(e.at);
    walk.number("count", e.count);
}

template <class Walker>
void walkColumns(Walker& walk, trace::NoteMade& e) {
    walk.instant(e.at);
    walk.id("token", e.token);
    walk.text("text");
}

template <class Walker>
void walkColumns(Walker& walk, trace::RunFailed& e) {
    walk.instant(e.at);
    walk.text("text");
}

template <class Walker>
void walkColumns(Walker& walk, trace::GpuCopySpan& e) {
    walk.span(e.begin, e.end);
    walk.id("token", e.token);
    walk.key("layer", "expert", e.key);
    walk.id("transfer", e.transfer);
    walk.choice("stage", e.stage, trace::Stage::Sample);
    walk.choice("direction", e.direction, trace::CopyDirection::Other);
    walk.choice("from_memory", e.from, trace::MemoryKind::Managed);
    walk.choice("to_memory", e.to, trace::MemoryKind::Managed);
    walk.number("stream", e.stream);
    walk.number("correlation", e.correlation);
    walk.number("bytes", e.bytes);
}

template <class Walker>
void walkColumns(Walker& walk, trace::KernelSpan& e) {
    walk.span(e.begin, e.end);
    walk.id("token", e.token);
    walk.key("layer", "expert", e.key);
    walk.choice("stage", e.stage, trace::Stage::Sample);
    walk.id("kernel", e.kernel);
    walk.flag("graph", e.graph);
    walk.number("stream", e.stream);
    walk.number("correlation", e.correlation);
    walk.number("blocks", e.blocks);
    walk.number("threads", e.threads);
    walk.number("registers", e.registers);
}

template <class Walker>
void walkColumns(Walker& walk, trace::KernelNamed& e) {
    walk.instant(e.at);
    walk.id("kernel", e.kernel);
    walk.text("name");
}

template <class Walker>
void walkColumns(Walker& walk, trace::GpuWaitSpan& e) {
    walk.span(e.begin, e.end);
    walk.id("token", e.token);
    walk.key("layer", "expert", e.key);
    walk.choice("stage", e.stage, trace::Stage::Sample);
    walk.choice("kind", e.kind, trace::WaitKind::Other);
    walk.number("stream", e.stream);
    walk.number("correlation", e.correlation);
}

template <class Walker>
void walkColumns(Walker& walk, trace::ClockAligned& e) {
    walk.instant(e.at);
    walk.number("offset_ns", e.offsetNs);
    walk.number("error_ns", e.errorNs);
    walk.number("device_lead_ns", e.deviceLeadNs);
}

template <class Walker>
void walkColumns(Walker& walk, trace::TracerSample& e) {
    walk.instant(e.at);
    walk.number("level", e.level);
    walk.number("records", e.records);
    walk.number("overhead_ns", e.overheadNs);
    walk.number("longest_flush_us", e.longestFlushUs);
}

template <class Walker>
void walkColumns(Walker& walk, trace::RecordsLost& e) {
    walk.span(e.begin, e.end);
    walk.number("count", e.count);
    walk.choice("cause", e.cause, trace::LossCause::Unreadable);
}

template <class Walker>
void walkColumns(Walker& walk, trace::OverheadMeasured& e) {
    walk.instant(e.at);
    walk.number("level", e.level);
    walk.number("pairs", e.pairs);
    walk.number("tokens", e.tokens);
    walk.number("off_token_ns", e.offTokenNs);
    walk.number("on_token_ns", e.onTokenNs);
    walk.real("low_share", e.lowShare);
    walk.real("high_share", e.highShare);
}

template <class Walker>
void walkColumns(Walker& walk, trace::GpuSample& e) {
    walk.instant(e.at);
    walk.number("memory_used_bytes", e.memoryUsedBytes);
    walk.real("busy_percent", e.busyPercent);
    walk.real("memory_busy_percent", e.memoryBusyPercent);
    walk.real("watts", e.watts);
    walk.number("clock_mhz", e.clockMhz);
    walk.number("link_generation", e.linkGeneration);
    walk.number("link_width", e.linkWidth);
}

template <class Walker>
void walkColumns(Walker& walk, trace::InPlaceSpan& e) {
    walk.span(e.begin, e.end);
    walk.id("token", e.token);
    walk.key("layer", "expert", e.key);
    walk.number("tokens", e.tokens);
    walk.number("bytes", e.bytes);
}

template <class Walker>
void walkColumns(Walker& walk, trace::CounterSample& e) {
    walk.span(e.begin, e.end);
    walk.number("from_host_bytes", e.fromHostBytes);
    walk.number("to_host_bytes", e.toHostBytes);
    walk.real("memory_read_percent", e.memoryReadPercent);
    walk.real("memory_write_percent", e.memoryWritePercent);
    walk.real("multiprocessor_percent", e.multiprocessorPercent);
    walk.real("tensor_percent", e.tensorPercent);
}

/// Calls visit.template operator()<Kind>(index) for every alternative of trace::Event.
template <class Visit>
void forEachEventKind(Visit&& visit) {
    [&]<std::size_t... index>(std::index_sequence<index...>) {
        (visit.template operator()<std::variant_alternative_t<index, trace::Event>>(index), ...);
    }
    (std::make_index_sequence<std::variant_size_v<trace::Event>>{});
}

} // namespace moescope::session
