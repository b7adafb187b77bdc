#include "app/run_relay.h"

namespace moescope::app {

trace::Tracer& TracerRelay::openProducer(std::string_view name) {
    const std::lock_guard lock(m_mutex);
    Producer& producer = m_producers.emplace_back(*this, name);
    if (m_target)
        producer.attach(*m_target);
    return producer;
}

void TracerRelay::attach(trace::TracerSource& target) {
    const std::lock_guard lock(m_mutex);
    m_target = &target;
    for (Producer& producer : m_producers)
        producer.attach(target);
}

void TracerRelay::notice(const trace::Event& event, trace::Payload payload) {
    if (const auto* prompted = std::get_if<trace::TokenPrompted>(&event)) {
        m_nextToken = prompted->token.value + 1;
    } else if (const auto* emitted = std::get_if<trace::TokenEmitted>(&event)) {
        m_nextToken = emitted->token.value + 1;
        if (m_onToken)
            m_onToken(*emitted, {reinterpret_cast<const char*>(payload.data()), payload.size()});
    }
}

void TracerRelay::Producer::attach(trace::TracerSource& target) {
    const std::lock_guard lock(m_mutex);
    trace::Tracer& tracer = target.openProducer(m_name);
    for (const Kept& kept : m_kept)
        tracer.emit(kept.event, kept.payload);
    m_kept = {};
    m_target.store(&tracer, std::memory_order_release);
}

void TracerRelay::Producer::handOn(const trace::Event& event, trace::Payload payload) {
    if (trace::Tracer* target = m_target.load(std::memory_order_acquire)) {
        target->emit(event, payload);
        return;
    }
    const std::lock_guard lock(m_mutex);
    if (trace::Tracer* target = m_target.load(std::memory_order_acquire))
        target->emit(event, payload);
    else
        m_kept.push_back({event, {payload.begin(), payload.end()}});
}

void TracerRelay::Producer::emit(const trace::Event& event, trace::Payload payload) noexcept {
    handOn(event, payload);
    m_relay.notice(event, payload);
}

} // namespace moescope::app
