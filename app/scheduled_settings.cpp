#include "app/scheduled_settings.h"

#include "app/command_list.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace moescope::app {

ScheduledSettings::ScheduledSettings(const std::vector<std::string>& entries) {
    for (const std::string& text : entries) {
        Entry entry;
        const std::size_t colon = text.find(':');
        const std::size_t equals = text.find('=', colon == std::string::npos ? 0 : colon);
        const char* begin = text.data();
        const auto [end, problem] = std::from_chars(begin, begin + std::min(colon, text.size()), entry.token);
        const bool sound = colon != std::string::npos && equals != std::string::npos && problem == std::errc() &&
                           end == begin + colon && entry.token >= 0 && equals > colon + 1;
        if (!sound)
            throw UsageError(fmt::format("--at '{}' is not of the form TOKEN:name=value, as in 40:gate-threshold=0.01.", text));
        entry.name = text.substr(colon + 1, equals - colon - 1);
        entry.value = text.substr(equals + 1);
        m_entries.push_back(std::move(entry));
    }
    std::stable_sort(m_entries.begin(), m_entries.end(), [](const Entry& a, const Entry& b) { return a.token < b.token; });
}

void ScheduledSettings::check(runtime::Settings settings) const {
    for (const Entry& entry : m_entries)
        runtime::setSetting(settings, entry.name, entry.value);
}

void ScheduledSettings::apply(int tokens, Run& run) noexcept {
    for (; m_next < m_entries.size() && m_entries[m_next].token <= tokens; ++m_next) {
        try {
            run.post(m_entries[m_next].name, m_entries[m_next].value);
        } catch (const std::exception& e) {
            m_problem = e.what();
        }
    }
}

} // namespace moescope::app
