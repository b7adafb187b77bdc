#pragma once
#include "engine/trace/tracer.h"

#include <deque>
#include <mutex>
#include <string>
#include <vector>

namespace moescope::expert {

/// Keeps every event of all its producers, for tests to look at once the producers are quiet.
class EventLog final : public trace::TracerSource {
public:
    trace::Tracer& openProducer(std::string_view) override {
        const std::lock_guard lock(m_mutex);
        return m_producers.emplace_back();
    }

    template <class Kind>
    std::vector<Kind> all() const {
        std::vector<Kind> found;
        for (const Producer& producer : m_producers)
            for (const trace::Event& event : producer.events)
                if (const auto* one = std::get_if<Kind>(&event))
                    found.push_back(*one);
        return found;
    }

    /// Of the given producer, in order of emission.
    const std::vector<trace::Event>& events(std::size_t producer = 0) const { return m_producers.at(producer).events; }
    void clear() {
        for (Producer& producer : m_producers)
            producer.events.clear();
    }

private:
    struct Producer final : trace::Tracer {
        void emit(const trace::Event& event, trace::Payload) noexcept override { events.push_back(event); }
        std::vector<trace::Event> events;
    };
    std::mutex m_mutex;
    std::deque<Producer> m_producers;
};

} // namespace moescope::expert
