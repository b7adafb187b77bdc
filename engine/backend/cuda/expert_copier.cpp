#include "engine/backend/cuda/expert_copier.h"

namespace moescope::backend::cuda {

ExpertCopier::ExpertCopier(const HostExperts& experts, ExpertSlots& slots) : m_experts(experts), m_slots(slots) {
    if (experts.memory() == HostMemory::Mapped)
        for (Flight& flight : m_flights)
            flight.staging = PinnedArray<std::byte>(experts.mostBlockBytes());
}

void ExpertCopier::begin(trace::ExpertKey key, int slot, int block, bool urgent) {
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
    flight.begun.record(stream);
    check(cudaMemcpyAsync(m_slots.data(slot) + range.offset, source, range.bytes, cudaMemcpyHostToDevice, stream.get()),
          "copy an expert");
    flight.ended.record(stream);
}

expert::BlockMoved ExpertCopier::end() {
    const Flight& flight = m_flights[m_ended++ % kAtOnce];
    check(cudaEventSynchronize(flight.ended.get()), "finish copying an expert");
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, flight.begun.get(), flight.ended.get()), "time a copy");
    return {flight.bytes, static_cast<std::int64_t>(static_cast<double>(milliseconds) * 1e6)};
}

} // namespace moescope::backend::cuda
