#include "engine/runtime/stop_filter.h"

#include <algorithm>
#include <utility>

namespace moescope::runtime {

StopFilter::StopFilter(std::vector<std::string> stops) : m_stops(std::move(stops)) {
    std::erase_if(m_stops, [](const std::string& stop) { return stop.empty(); });
}

std::string StopFilter::push(std::string_view text) {
    if (m_stopped)
        return {};
    m_pending += text;
    std::size_t first = std::string::npos;
    for (const std::string& stop : m_stops)
        first = std::min(first, m_pending.find(stop));
    m_stopped = first != std::string::npos;
    const std::size_t certain = m_stopped ? first : m_pending.size() - heldBack();
    std::string released = m_pending.substr(0, certain);
    m_pending.erase(0, m_stopped ? m_pending.size() : certain);
    return released;
}

std::string StopFilter::finish() {
    return std::exchange(m_pending, {});
}

std::size_t StopFilter::heldBack() const {
    std::size_t longest = 0;
    for (const std::string& stop : m_stops)
        for (std::size_t length = std::min(stop.size() - 1, m_pending.size()); length > longest; --length)
            if (std::string_view(m_pending).ends_with(std::string_view(stop).substr(0, length)))
                longest = length;
    return longest;
}

} // namespace moescope::runtime
