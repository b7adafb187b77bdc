#include "profiler/exchange/event_rows.h"

#include "engine/trace/routing_payload.h"

#include <array>
#include <fmt/format.h>
#include <span>

namespace moescope::exchange {
namespace {

/// Same order as trace::Event.
constexpr std::array<EventTable, std::variant_size_v<trace::Event>> kTables{{
    {"prompt_began", "seq,at_ns,turn,first_token,prompt_tokens,reused_tokens,context_tokens,prompt"},
    {"token_prompted", "seq,at_ns,turn,token,token_id,text"},
    {"token_emitted", "seq,at_ns,turn,token,token_id,log_probability_nats,context_used_tokens,text"},
    {"answer_ended", "seq,at_ns,turn,reason,tokens,prompt_began_at_ns"},
    {"experts_chosen", "seq,at_ns,token,layer,phase,candidates,kept,experts,ids,weights,gate,predicted_gates"},
    {"expert_hit", "seq,at_ns,token,layer,expert"},
    {"expert_missed", "seq,at_ns,token,layer,expert,in_flight"},
    {"expert_evicted", "seq,at_ns,token,layer,expert,cause,replaced_by_layer,replaced_by_expert"},
    {"prefetch_issued", "seq,at_ns,token,layer,expert,transfer,depth_layers,probability"},
    {"prefetch_resolved", "seq,at_ns,token,layer,expert,transfer,used"},
    {"transfer_span", "seq,begin_ns,end_ns,queued_at_ns,token,layer,expert,transfer,cause,outcome,emulated,bytes"},
    {"stage_span", "seq,begin_ns,end_ns,token,tokens,layer,stage,phase"},
    {"stall_span", "seq,begin_ns,end_ns,token,layer,expert,transfer"},
    {"setting_changed", "seq,at_ns,token,name,before,after"},
    {"slots_allocated", "seq,at_ns,layer,slots"},
    {"host_sample", "seq,at_ns,resident_bytes,cpu_percent,recorder_lag_us"},
    {"events_lost", "seq,at_ns,count"},
    {"note_made", "seq,at_ns,token,text"},
    {"run_failed", "seq,at_ns,text"},
    {"gpu_copy_span",
     "seq,begin_ns,end_ns,token,layer,expert,transfer,stage,direction,from_memory,to_memory,stream,correlation,bytes"},
    {"kernel_span",
     "seq,begin_ns,end_ns,token,layer,expert,stage,kernel,graph,stream,correlation,blocks,threads_per_block,registers"},
    {"kernel_named", "seq,at_ns,kernel,name"},
    {"gpu_wait_span", "seq,begin_ns,end_ns,token,layer,expert,stage,kind,stream,correlation"},
    {"clock_aligned", "seq,at_ns,offset_ns,error_ns,device_lead_ns"},
    {"tracer_sample", "seq,at_ns,level,records,overhead_ns,longest_flush_us"},
    {"records_lost", "seq,begin_ns,end_ns,count,cause"},
    {"overhead_measured", "seq,at_ns,level,pairs,tokens,off_token_ns,on_token_ns,low_share,high_share"},
    {"gpu_sample", "seq,at_ns,memory_used_bytes,busy_percent,memory_busy_percent,watts,clock_mhz,link_generation,link_width"},
    {"in_place_span", "seq,begin_ns,end_ns,token,layer,expert,tokens,bytes"},
    {"counter_sample", "seq,begin_ns,end_ns,from_host_bytes,to_host_bytes,memory_read_percent,memory_write_percent,"
                       "multiprocessor_percent,tensor_percent"},
}};

constexpr std::array<const char*, 2> kPhases{"prefill", "decode"};
constexpr std::array<const char*, 7> kStages{"step", "embed", "attention", "router", "experts", "output", "sample"};
constexpr std::array<const char*, 3> kTransferCauses{"demand", "prefetch", "allocation"};
constexpr std::array<const char*, 2> kOutcomes{"completed", "cancelled"};
constexpr std::array<const char*, 3> kEvictionCauses{"demand", "prefetch", "budget"};
constexpr std::array<const char*, 6> kReasons{"end_of_text",  "stop_string", "token_limit",
                                              "context_full", "requested",   "failed"};

constexpr std::array<const char*, 7> kDirections{
    "host_to_device", "device_to_host", "device_to_device", "host_to_host", "peer_to_peer", "fill", "other"};
constexpr std::array<const char*, 6> kMemory{"unknown", "pageable", "pinned", "device", "array", "managed"};
constexpr std::array<const char*, 5> kWaits{"event", "stream_for_event", "stream", "context", "other"};
constexpr std::array<const char*, 4> kLosses{"device_buffers", "host_buffers", "untimed", "unreadable"};

template <class Names, class Enum>
std::string_view nameOf(const Names& names, Enum value) {
    const auto index = static_cast<std::size_t>(value);
    return index < names.size() ? names[index] : "unknown";
}

std::string joined(std::span<const float> values) {
    std::string out;
    for (const float value : values)
        out += fmt::format("{}{:.5g}", out.empty() ? "" : ";", value);
    return out;
}

class RowWriter {
public:
    RowWriter(CsvTable& table, trace::Payload payload) : m_table(table), m_payload(payload) {}

    void operator()(const trace::PromptBegan& e) {
        m_table.integer(e.at).id(e.turn).id(e.firstToken).integer(e.promptTokens).integer(e.reusedTokens);
        m_table.integer(e.contextTokens).text(trace::asText(m_payload));
    }
    void operator()(const trace::TokenPrompted& e) {
        m_table.integer(e.at).id(e.turn).id(e.token).integer(e.tokenId).text(trace::asText(m_payload));
    }
    void operator()(const trace::TokenEmitted& e) {
        m_table.integer(e.at).id(e.turn).id(e.token).integer(e.tokenId).number(static_cast<double>(e.logProbability));
        m_table.integer(e.contextUsed).text(trace::asText(m_payload));
    }
    void operator()(const trace::AnswerEnded& e) {
        m_table.integer(e.at).id(e.turn).text(nameOf(kReasons, e.reason)).integer(e.tokens).integer(e.promptBeganAt);
    }
    void operator()(const trace::ExpertsChosen& e) {
        m_table.integer(e.at).id(e.token).id(e.layer).text(nameOf(kPhases, e.phase)).integer(int{e.candidates});
        m_table.integer(int{e.kept}).integer(e.experts);
        const auto routing = trace::decodeRouting(e, m_payload).value_or(trace::RoutingPayload{});
        m_table.text(fmt::format("{}", fmt::join(routing.ids, ";"))).text(joined(routing.weights)).text(joined(routing.gate));
        std::string predicted;
        for (const auto& gate : routing.predicted)
            predicted += fmt::format("{}{}", predicted.empty() ? "" : "|", joined(gate));
        m_table.text(predicted);
    }
    void operator()(const trace::ExpertHit& e) { instant(e); }
    void operator()(const trace::ExpertMissed& e) {
        instant(e);
        m_table.integer(int{e.inFlight});
    }
    void operator()(const trace::ExpertEvicted& e) {
        instant(e);
        m_table.text(nameOf(kEvictionCauses, e.cause)).id(e.replacedBy.layer).id(e.replacedBy.expert);
    }
    void operator()(const trace::PrefetchIssued& e) {
        instant(e);
        m_table.id(e.transfer).integer(int{e.depth}).number(static_cast<double>(e.probability));
    }
    void operator()(const trace::PrefetchResolved& e) {
        instant(e);
        m_table.id(e.transfer).integer(int{e.used});
    }
    void operator()(const trace::TransferSpan& e) {
        m_table.integer(e.begin).integer(e.end).integer(e.queuedAt).id(e.token).id(e.key.layer).id(e.key.expert);
        m_table.id(e.transfer).text(nameOf(kTransferCauses, e.cause)).text(nameOf(kOutcomes, e.outcome));
        m_table.integer(int{e.emulated}).integer(e.bytes);
    }
    void operator()(const trace::StageSpan& e) {
        m_table.integer(e.begin).integer(e.end).id(e.token).integer(e.tokens).id(e.layer);
        m_table.text(nameOf(kStages, e.stage)).text(nameOf(kPhases, e.phase));
    }
    void operator()(const trace::StallSpan& e) {
        m_table.integer(e.begin).integer(e.end).id(e.token).id(e.key.layer).id(e.key.expert).id(e.transfer);
    }
    void operator()(const trace::SettingChanged& e) {
        m_table.integer(e.at).id(e.token);
        std::string_view rest = trace::asText(m_payload);
        for (int part = 0; part < 3; ++part) {
            const std::size_t end = std::min(rest.find('\0'), rest.size());
            m_table.text(rest.substr(0, end));
            rest.remove_prefix(std::min(rest.size(), end + 1));
        }
    }
    void operator()(const trace::SlotsAllocated& e) { m_table.integer(e.at).id(e.layer).integer(e.slots); }
    void operator()(const trace::HostSample& e) {
        m_table.integer(e.at).integer(e.residentBytes).number(static_cast<double>(e.cpuPercent)).integer(e.recorderLagUs);
    }
    void operator()(const trace::EventsLost& e) { m_table.integer(e.at).integer(e.count); }
    void operator()(const trace::NoteMade& e) { m_table.integer(e.at).id(e.token).text(trace::asText(m_payload)); }
    void operator()(const trace::RunFailed& e) { m_table.integer(e.at).text(trace::asText(m_payload)); }
    void operator()(const trace::GpuCopySpan& e) {
        deviceWork(e).id(e.transfer).text(nameOf(kStages, e.stage)).text(nameOf(kDirections, e.direction));
        m_table.text(nameOf(kMemory, e.from)).text(nameOf(kMemory, e.to)).integer(e.stream).integer(e.correlation);
        m_table.integer(e.bytes);
    }
    void operator()(const trace::KernelSpan& e) {
        deviceWork(e).text(nameOf(kStages, e.stage)).id(e.kernel).integer(int{e.graph}).integer(e.stream);
        m_table.integer(e.correlation).integer(e.blocks).integer(e.threads).integer(int{e.registers});
    }
    void operator()(const trace::KernelNamed& e) { m_table.integer(e.at).id(e.kernel).text(trace::asText(m_payload)); }
    void operator()(const trace::GpuWaitSpan& e) {
        deviceWork(e).text(nameOf(kStages, e.stage)).text(nameOf(kWaits, e.kind)).integer(e.stream).integer(e.correlation);
    }
    void operator()(const trace::ClockAligned& e) {
        m_table.integer(e.at).integer(e.offsetNs).integer(e.errorNs).integer(e.deviceLeadNs);
    }
    void operator()(const trace::TracerSample& e) {
        m_table.integer(e.at).integer(int{e.level}).integer(e.records).integer(e.overheadNs).integer(e.longestFlushUs);
    }
    void operator()(const trace::RecordsLost& e) {
        m_table.integer(e.begin).integer(e.end).integer(e.count).text(nameOf(kLosses, e.cause));
    }
    void operator()(const trace::InPlaceSpan& e) { deviceWork(e).integer(e.tokens).integer(e.bytes); }
    void operator()(const trace::OverheadMeasured& e) {
        m_table.integer(e.at).integer(int{e.level}).integer(e.pairs).integer(e.tokens).integer(e.offTokenNs);
        m_table.integer(e.onTokenNs).number(static_cast<double>(e.lowShare)).number(static_cast<double>(e.highShare));
    }
    void operator()(const trace::GpuSample& e) {
        m_table.integer(e.at).integer(e.memoryUsedBytes).number(static_cast<double>(e.busyPercent));
        m_table.number(static_cast<double>(e.memoryBusyPercent)).number(static_cast<double>(e.watts)).integer(e.clockMhz);
        m_table.integer(int{e.linkGeneration}).integer(int{e.linkWidth});
    }
    void operator()(const trace::CounterSample& e) {
        m_table.integer(e.begin).integer(e.end).integer(e.fromHostBytes).integer(e.toHostBytes);
        for (const float percent : {e.memoryReadPercent, e.memoryWritePercent, e.multiprocessorPercent, e.tensorPercent})
            m_table.number(static_cast<double>(percent));
    }

private:
    template <class Span>
    CsvTable& deviceWork(const Span& e) {
        return m_table.integer(e.begin).integer(e.end).id(e.token).id(e.key.layer).id(e.key.expert);
    }
    template <class Event>
    void instant(const Event& e) {
        m_table.integer(e.at).id(e.token).id(e.key.layer).id(e.key.expert);
    }
    CsvTable& m_table;
    trace::Payload m_payload;
};

} // namespace

const EventTable& eventTable(std::size_t kind) {
    return kTables.at(kind);
}

void writeEventRow(const session::Record& record, trace::Payload payload, CsvTable& table) {
    table.integer(record.seq);
    std::visit(RowWriter(table, payload), record.event);
    table.endRow();
}

} // namespace moescope::exchange
