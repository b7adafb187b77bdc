#include "app/run_relay.h"

#include <algorithm>
#include <array>
#include <utility>

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
        m_firstEmitted = m_emitted == 0 ? emitted->at : m_firstEmitted;
        m_lastEmitted = emitted->at;
        ++m_emitted;
        if (m_onToken)
            m_onToken(*emitted, trace::asText(payload));
    } else if (const auto* changed = std::get_if<trace::SettingChanged>(&event)) {
        keep(*changed, payload);
    } else if (const auto* allocated = std::get_if<trace::SlotsAllocated>(&event)) {
        keep(*allocated);
    }
}

double TracerRelay::takeTokenNs() {
    const std::int64_t tokens = std::exchange(m_emitted, 0);
    return tokens < 2 ? 0 : static_cast<double>(m_lastEmitted - m_firstEmitted) / static_cast<double>(tokens - 1);
}

void TracerRelay::keep(const trace::SettingChanged&, trace::Payload payload) {
    std::string_view rest = trace::asText(payload);
    std::array<std::string, 3> parts;
    for (std::string& part : parts) {
        const std::size_t end = std::min(rest.find('\0'), rest.size());
        part = rest.substr(0, end);
        rest.remove_prefix(std::min(rest.size(), end + 1));
    }
    const std::lock_guard lock(m_stateMutex);
    const auto known = std::find_if(m_changes.begin(), m_changes.end(), [&](const Change& c) { return c.name == parts[0]; });
    if (known != m_changes.end())
        known->after = parts[2];
    else
        m_changes.push_back({parts[0], parts[1], parts[2]});
}

void TracerRelay::keep(const trace::SlotsAllocated& event) {
    const std::lock_guard lock(m_stateMutex);
    // One pool and slots per layer exclude each other.
    std::erase_if(m_slots, [&](const trace::SlotsAllocated& kept) {
        return kept.layer == event.layer || kept.layer.valid() != event.layer.valid();
    });
    m_slots.push_back(event);
}

void TracerRelay::restate(trace::Tracer& into, trace::TimeNs now) {
    std::vector<Change> changes;
    std::vector<trace::SlotsAllocated> allocated;
    {
        // What is said again passes here again: not under the lock.
        const std::lock_guard lock(m_stateMutex);
        changes = m_changes;
        allocated = m_slots;
    }
    for (const Change& change : changes) {
        const std::string payload = settingPayload(change.name, change.before, change.after);
        into.emit(trace::SettingChanged{now, nextToken()}, trace::asPayload(payload));
    }
    for (trace::SlotsAllocated slots : allocated) {
        slots.at = now;
        into.emit(slots);
    }
}

std::string settingPayload(std::string_view name, std::string_view before, std::string_view after) {
    std::string payload(name);
    payload += '\0';
    payload += before;
    payload += '\0';
    payload += after;
    return payload;
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
