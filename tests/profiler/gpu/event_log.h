#pragma once
#include "engine/trace/tracer.h"

#include <mutex>
#include <string>
#include <vector>

namespace moescope::gpu {

/// Keeps what the one producer of a collector said.
class EventLog final : public trace::TracerSource, public trace::Tracer {
public:
    struct Entry {
        trace::Event event;
        std::string payload;
    };
    trace::Tracer& openProducer(std::string_view) override { return *this; }
    void emit(const trace::Event& event, trace::Payload payload) noexcept override {
        const std::lock_guard lock(m_mutex);
        m_entries.push_back({event, {reinterpret_cast<const char*>(payload.data()), payload.size()}});
    }
    std::vector<Entry> entries() const {
        const std::lock_guard lock(m_mutex);
        return m_entries;
    }
    template <class Kind>
    std::vector<Kind> all() const {
        std::vector<Kind> found;
        for (const Entry& entry : entries())
            if (const auto* one = std::get_if<Kind>(&entry.event))
                found.push_back(*one);
        return found;
    }

private:
    mutable std::mutex m_mutex;
    std::vector<Entry> m_entries;
};

} // namespace moescope::gpu
