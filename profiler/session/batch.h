#pragma once
#include "engine/trace/event.h"
#include "engine/trace/tracer.h"

#include <cstddef>
#include <span>
#include <vector>

namespace moescope::session {

/// One event with its number. seq counts from 1 over the whole session, without gaps; it is the only order.
struct Record {
    std::int64_t seq = 0;
    trace::Event event;
    std::size_t payloadOffset = 0; ///< into the batch's arena
    std::size_t payloadBytes = 0;
};

/// What one commit holds. The unit in which live and replay deliver.
struct Batch {
    std::int64_t number = 0; ///< from 1
    trace::TimeNs committedAt = 0;
    std::vector<Record> records; ///< by seq
    std::vector<std::byte> arena;

    trace::Payload payload(const Record& record) const {
        return trace::Payload(arena).subspan(record.payloadOffset, record.payloadBytes);
    }
    void append(std::int64_t seq, const trace::Event& event, trace::Payload payload) {
        records.push_back({seq, event, arena.size(), payload.size()});
        arena.insert(arena.end(), payload.begin(), payload.end());
    }
};

} // namespace moescope::session
