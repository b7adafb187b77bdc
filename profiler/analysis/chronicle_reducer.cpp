#include "profiler/analysis/chronicle_reducer.h"

#include <algorithm>

namespace moescope::analysis {
namespace {

std::string takePart(std::string_view& rest) {
    const std::size_t end = std::min(rest.find('\0'), rest.size());
    std::string part(rest.substr(0, end));
    rest.remove_prefix(std::min(rest.size(), end + 1));
    return part;
}

} // namespace

void ChronicleReducer::noteLink(Snapshot& s) {
    for (const auto& [name, value] : s.settings)
        if (name == "link") {
            s.summary.link = value;
            s.summary.emulated = s.summary.emulated || (value != "none" && !value.empty());
        }
}

void ChronicleReducer::on(const trace::SettingChanged& e, trace::Payload payload, Snapshot& s) {
    std::string_view rest = trace::asText(payload);
    SettingChangeRecord change;
    change.at = e.at;
    change.token = e.token;
    change.name = takePart(rest);
    change.before = takePart(rest);
    change.after = takePart(rest);
    const auto known =
        std::find_if(s.settings.begin(), s.settings.end(), [&](const auto& setting) { return setting.first == change.name; });
    if (known != s.settings.end())
        known->second = change.after;
    else
        s.settings.emplace_back(change.name, change.after);
    s.changes.push_back(std::move(change));
    noteLink(s);
}

void ChronicleReducer::on(const trace::NoteMade& e, trace::Payload payload, Snapshot& s) {
    s.notes.push_back({e.at, e.token, std::string(trace::asText(payload)), false});
}

void ChronicleReducer::on(const trace::RunFailed& e, trace::Payload payload, Snapshot& s) {
    s.notes.push_back({e.at, {}, std::string(trace::asText(payload)), true});
}

void ChronicleReducer::on(const trace::EventsLost& e, trace::Payload, Snapshot& s) {
    s.summary.eventsLost += e.count;
    s.gaps.push_back({std::min(s.now, e.at), e.at, e.count});
}

void ChronicleReducer::on(const trace::HostSample& e, trace::Payload, Snapshot& s) {
    s.summary.hostResidentBytes = e.residentBytes;
}

} // namespace moescope::analysis
