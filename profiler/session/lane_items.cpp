#include "profiler/session/lane_items.h"

#include <algorithm>

namespace moescope::session {
namespace {

LaneItem copyItem(const trace::TransferSpan& span, std::int64_t seq) {
    LaneItem item{Lane::CopyOther, span.begin, span.end, 0, span.bytes, seq, seq, span.transfer.value};
    CopyColour colour = CopyColour::Unattributed;
    if (span.key.layer.valid() && span.key.expert.valid()) {
        switch (span.cause) {
        case trace::TransferCause::Demand:
            item.lane = Lane::CopyDemand;
            colour = CopyColour::Demand;
            break;
        case trace::TransferCause::Prefetch:
            item.lane = Lane::CopyPrefetch;
            colour = CopyColour::PrefetchUndecided;
            break;
        case trace::TransferCause::Allocation:
            colour = CopyColour::Allocation;
            break;
        }
        if (span.outcome == trace::TransferOutcome::Cancelled)
            colour = CopyColour::Cancelled;
    }
    item.colourKey = static_cast<std::int32_t>(colour);
    return item;
}

LaneItem deviceCopyItem(const trace::GpuCopySpan& span, std::int64_t seq) {
    const Lane lane = span.direction == trace::CopyDirection::HostToDevice ? Lane::ToDevice : Lane::OtherDeviceCopies;
    const DeviceCopyColour colour = span.transfer.valid() ? DeviceCopyColour::Expert
                                    : span.token.valid()  ? DeviceCopyColour::InPass
                                                          : DeviceCopyColour::OutsidePass;
    return {lane, span.begin, span.end, static_cast<std::int32_t>(colour), span.bytes, seq, seq, span.transfer.value};
}

} // namespace

std::span<const LaneItem> LaneItems::add(const Record& record) {
    m_count = 0;
    if (const auto* stage = std::get_if<trace::StageSpan>(&record.event))
        addStage(*stage, record.seq);
    else if (const auto* transfer = std::get_if<trace::TransferSpan>(&record.event))
        put(copyItem(*transfer, record.seq));
    else if (const auto* stall = std::get_if<trace::StallSpan>(&record.event))
        put({Lane::Stalls, stall->begin, stall->end, 0, 0, record.seq, record.seq, -1});
    else if (const auto* copy = std::get_if<trace::GpuCopySpan>(&record.event))
        put(deviceCopyItem(*copy, record.seq));
    else if (const auto* kernel = std::get_if<trace::KernelSpan>(&record.event))
        put({Lane::Kernels, kernel->begin, kernel->end, kernel->kernel.value, 0, record.seq, record.seq, -1});
    else if (const auto* run = std::get_if<trace::InPlaceSpan>(&record.event))
        put({Lane::InPlace, run->begin, run->end, 0, run->bytes, record.seq, record.seq, -1});
    else if (const auto* counters = std::get_if<trace::CounterSample>(&record.event))
        addCounters(*counters, record.seq);
    return {m_items, m_count};
}

void LaneItems::addCounters(const trace::CounterSample& sample, std::int64_t seq) {
    const auto bytes = [&](Lane lane, std::int64_t moved) { put({lane, sample.begin, sample.end, 0, moved, seq, seq, -1}); };
    const auto busy = [&](Lane lane, float percent) {
        const double share = std::clamp(static_cast<double>(percent) / 100, 0.0, 1.0);
        const auto ns = static_cast<trace::TimeNs>(share * static_cast<double>(sample.end - sample.begin));
        put({lane, sample.begin, sample.end, 0, 0, seq, seq, -1, ns});
    };
    bytes(Lane::LinkIn, sample.fromHostBytes);
    bytes(Lane::LinkOut, sample.toHostBytes);
    busy(Lane::MemoryBusy, sample.memoryReadPercent + sample.memoryWritePercent);
    busy(Lane::Multiprocessors, sample.multiprocessorPercent);
    busy(Lane::TensorPipes, sample.tensorPercent);
}

void LaneItems::addStage(const trace::StageSpan& span, std::int64_t seq) {
    if (span.stage == trace::Stage::Step) {
        put({Lane::Tokens, span.begin, span.end, static_cast<std::int32_t>(span.phase), 0, seq, seq, -1});
        return;
    }
    put({Lane::Stages, span.begin, span.end, static_cast<std::int32_t>(span.stage), 0, seq, seq, -1});
    if (span.stage == trace::Stage::Attention) {
        m_openLayer = span.layer;
        m_openBegin = span.begin;
        m_openSeq = seq;
    } else if (span.stage == trace::Stage::Experts) {
        const bool paired = m_openLayer.valid() && m_openLayer == span.layer;
        put({Lane::Layers, paired ? m_openBegin : span.begin, span.end, span.layer.value, 0, seq, paired ? m_openSeq : seq,
             -1});
        m_openLayer = {};
    }
}

LaneSource sourceOf(Lane lane) {
    static const std::size_t stage = trace::Event(trace::StageSpan{}).index();
    static const std::size_t transfer = trace::Event(trace::TransferSpan{}).index();
    static const std::size_t copy = trace::Event(trace::GpuCopySpan{}).index();
    static const std::size_t kernel = trace::Event(trace::KernelSpan{}).index();
    static const std::size_t inPlace = trace::Event(trace::InPlaceSpan{}).index();
    static const std::size_t counters = trace::Event(trace::CounterSample{}).index();
    static const std::size_t stall = trace::Event(trace::StallSpan{}).index();
    switch (lane) {
    case Lane::Tokens:
        return {stage, "stage = 0"};
    case Lane::Layers:
        return {stage, "stage IN (2, 4)"};
    case Lane::Stages:
        return {stage, "stage <> 0"};
    case Lane::CopyDemand:
        return {transfer, "cause = 0"};
    case Lane::CopyPrefetch:
        return {transfer, "cause = 1"};
    case Lane::CopyOther:
        return {transfer, "(cause = 2 OR layer IS NULL OR expert IS NULL)"};
    case Lane::ToDevice:
        return {copy, "direction = 0"};
    case Lane::OtherDeviceCopies:
        return {copy, "direction <> 0"};
    case Lane::Kernels:
        return {kernel, "1"};
    case Lane::InPlace:
        return {inPlace, "1"};
    case Lane::LinkIn:
    case Lane::LinkOut:
    case Lane::MemoryBusy:
    case Lane::Multiprocessors:
    case Lane::TensorPipes:
        return {counters, "1"};
    case Lane::Stalls:
        break;
    }
    return {stall, "1"};
}

} // namespace moescope::session
