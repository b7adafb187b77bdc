#include "engine/backend/cuda/expert_copier.h"

#include <cmath>

namespace moescope::backend::cuda {
namespace {

// A float of milliseconds resolves 60 ns up to a second.
constexpr trace::TimeNs kEpochNs = 500'000'000;

} // namespace

ExpertCopier::ExpertCopier(const HostExperts& experts, ExpertSlots& slots) : m_experts(experts), m_slots(slots) {
    if (experts.memory() == HostMemory::Mapped)
        for (Flight& flight : m_flights)
            flight.staging = PinnedArray<std::byte>(experts.mostBlockBytes());
}

void ExpertCopier::begin(trace::ExpertKey key, int slot, int block, bool urgent, trace::TimeNs now) {
    check(cudaSetDevice(0), "be opened"); // the mover's thread is new to CUDA
    Flight& flight = m_flights[m_begun++ % kAtOnce];
    const HostExperts::Range range = m_experts.block(key.layer.value, block);
    const std::byte* source = m_experts.stored(key);
    if (source != nullptr) {
        source += range.offset;
    } else {
        m_experts.packBlock(key, block, flight.staging.data());
        source = flight.staging.data();
    }
    const Stream& stream = urgent ? m_urgent : m_guesses;
    m_slots.waitUntilUnused(slot, stream); // for every block: one that became urgent changes the stream
    flight.bytes = static_cast<std::int64_t>(range.bytes);
    flight.handedAt = now;
    if (m_epochs[m_epoch].beganAt < 0 || now - m_epochs[m_epoch].beganAt > kEpochNs) {
        m_epoch = 1 - m_epoch;
        m_epochs[m_epoch].beganAt = now;
        m_epochs[m_epoch].times = {};
        m_epochs[m_epoch].origin.record(stream);
    }
    flight.epoch = m_epoch;
    flight.begun.record(stream);
    check(cudaMemcpyAsync(m_slots.data(slot) + range.offset, source, range.bytes, cudaMemcpyHostToDevice, stream.get()),
          "copy an expert");
    flight.ended.record(stream);
}

std::int64_t ExpertCopier::sinceOrigin(const Event& event, const Epoch& epoch) const {
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, epoch.origin.get(), event.get()), "time a copy");
    return std::llround(static_cast<double>(milliseconds) * 1e6);
}

std::int64_t ExpertCopier::load(trace::ExpertKey key, int slot, int block) {
    const trace::SteadyClock nobodys;
    begin(key, slot, block, true, nobodys.now());
    m_epochs[m_epoch].beganAt = -1; // the mover's clock is another
    return end(nobodys).bytes;
}

expert::BlockMoved ExpertCopier::end(const trace::Clock& clock) {
    const Flight& flight = m_flights[m_ended++ % kAtOnce];
    check(cudaEventSynchronize(flight.ended.get()), "finish copying an expert");
    const trace::TimeNs now = clock.now();
    Epoch& epoch = m_epochs[flight.epoch];
    const DeviceTimes::Span span = epoch.times.hostSpan({.handedAt = flight.handedAt,
                                                         .seenAt = now,
                                                         .deviceBegin = sinceOrigin(flight.begun, epoch),
                                                         .deviceEnd = sinceOrigin(flight.ended, epoch)});
    return {flight.bytes, span.begin, span.end};
}

} // namespace moescope::backend::cuda
