#include "profiler/session/info_rows.h"

#include "profiler/session/connection.h"
#include "profiler/session/schema.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <map>

namespace moescope::session {
namespace {

constexpr std::string_view kSettingPrefix = "setting.";
constexpr std::string_view kCalibration = "calibration";
constexpr std::size_t kMostRows = 4096;

// One list for both directions: names are on disk.
template <class Walker, class Info>
void walkInfo(Walker& walk, Info& info) {
    walk("id", info.id);
    walk("title", info.title);
    walk("created_utc", info.createdUtc);
    walk("program_version", info.programVersion);
    walk("build", info.build);
    walk("origin", info.origin);
    walk("seed", info.seed);
    walk("sensitivity", info.sensitivity);
    walk(kCalibration, info.calibration);
    walk("continues", info.continues);
    walk("model.name", info.model.name);
    walk("model.path", info.model.path);
    walk("model.architecture", info.model.architecture);
    walk("model.quantisation", info.model.quantisation);
    walk("model.hash", info.model.hash);
    walk("model.licence", info.model.licence);
    walk("model.file_bytes", info.model.fileBytes);
    walk("model.parameters", info.model.parameters);
    walk("model.active_parameters", info.model.activeParameters);
    walk("model.expert_bytes", info.model.expertBytes);
    walk("model.layers", info.model.layers);
    walk("model.experts", info.model.experts);
    walk("model.top_k", info.model.topK);
    walk("model.hidden", info.model.hidden);
    walk("model.vocabulary", info.model.vocabulary);
    walk("model.context_tokens", info.model.contextTokens);
    walk("model.synthetic", info.model.synthetic);
    walk("machine.processor", info.machine.processor);
    walk("machine.system", info.machine.system);
    walk("machine.device", info.machine.device);
    walk("machine.cores", info.machine.cores);
    walk("machine.memory_bytes", info.machine.memoryBytes);
    walk.optional("machine.device_bytes", info.machine.deviceBytes);
    walk.optional("machine.device_plan", info.machine.devicePlan);
    walk.optional("machine.host_memory", info.machine.hostMemory);
    walk.optional("tracer.level", info.tracer.level);
    walk.optional("tracer.status", info.tracer.status);
    walk.optional("tracer.counters_ns", info.tracer.countersNs);
    walk.optional("tracer.counters", info.tracer.counters);
    walk("ended_ns", info.endedNs);
    walk("events_lost", info.eventsLost);
}

class InfoInsert {
public:
    explicit InfoInsert(Connection& connection) : m_statement(connection, "INSERT INTO session_info VALUES (?1, ?2)") {}
    void operator()(std::string_view name, const std::string& value) {
        m_statement.bindText(0, name);
        m_statement.bindText(1, value);
        m_statement.execute();
    }
    void operator()(std::string_view name, Origin origin) {
        constexpr std::string_view names[] = {"recorded", "simulated", "imported"};
        (*this)(name, std::string(names[static_cast<std::size_t>(origin)]));
    }
    void operator()(std::string_view name, const std::vector<double>& values) {
        (*this)(name, fmt::format("{}", fmt::join(values, ",")));
    }
    template <std::integral T>
    void operator()(std::string_view name, T value) {
        (*this)(name, fmt::format("{}", static_cast<std::conditional_t<std::is_same_v<T, bool>, int, T>>(value)));
    }

    void optional(std::string_view name, const auto& value) { (*this)(name, value); }

private:
    Statement m_statement;
};

class InfoParse {
public:
    InfoParse(const std::map<std::string, std::string, std::less<>>& rows, const std::string& file)
        : m_rows(rows), m_file(file) {}
    void operator()(std::string_view name, std::string& value) {
        if (name != kCalibration || m_rows.contains(name)) // older sessions do not have it
            value = find(name);
    }
    void operator()(std::string_view name, Origin& origin) {
        const std::string& text = find(name);
        origin = text == "recorded"    ? Origin::Recorded
                 : text == "simulated" ? Origin::Simulated
                 : text == "imported"  ? Origin::Imported
                                       : throw bad(name, text);
    }
    void operator()(std::string_view name, std::vector<double>& values) {
        const auto row = m_rows.find(name);
        if (row == m_rows.end())
            return; // sessions of the first builds do not have it: not known
        const std::string& text = row->second;
        const char* end = text.data() + text.size();
        for (const char* at = text.data(); at < end;) {
            double value = 0;
            const auto [next, error] = std::from_chars(at, end, value);
            const bool sound = error == std::errc{} && (next == end || (*next == ',' && next + 1 < end));
            if (!sound || !std::isfinite(value) || value < 0 || values.size() == static_cast<std::size_t>(kMaxLayers))
                throw bad(name, text);
            values.push_back(value);
            at = next == end ? end : next + 1;
        }
    }
    void operator()(std::string_view name, bool& value) {
        int number = 0;
        (*this)(name, number);
        value = number != 0;
    }
    template <std::integral T>
    void operator()(std::string_view name, T& value) {
        const std::string& text = find(name);
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error != std::errc{} || end != text.data() + text.size())
            throw bad(name, text);
    }
    /// Older sessions do not have it.
    void optional(std::string_view name, auto& value) {
        if (m_rows.contains(name))
            (*this)(name, value);
    }

private:
    const std::string& find(std::string_view name) const {
        const auto row = m_rows.find(name);
        if (row == m_rows.end())
            throw StoreError(fmt::format("{}: the session does not say its {}.", m_file, name));
        return row->second;
    }
    StoreError bad(std::string_view name, std::string_view text) const {
        return StoreError(fmt::format("{}: \"{}\" cannot be the session's {}.", m_file, text.substr(0, 40), name));
    }

    const std::map<std::string, std::string, std::less<>>& m_rows;
    const std::string& m_file;
};

void checkCounts(const SessionInfo& info, const std::string& file) {
    const model::ModelFacts& model = info.model;
    const bool possible = model.layers >= 0 && model.layers <= kMaxLayers && model.experts >= 0 &&
                          model.experts <= kMaxExperts && model.layers * model.experts <= kMaxCells && model.topK >= 0 &&
                          model.expertBytes >= 0 && info.endedNs <= kMaxTimeNs && info.eventsLost >= 0;
    if (!possible)
        throw StoreError(fmt::format("{}: a model of {} layers with {} experts each is beyond what a session can hold.", file,
                                     model.layers, model.experts));
    if (!info.sensitivity.empty() && info.sensitivity.size() != static_cast<std::size_t>(model.layers))
        throw StoreError(
            fmt::format("{}: {} sensitivities for {} layers cannot be.", file, info.sensitivity.size(), model.layers));
}

} // namespace

void insertInfo(Connection& connection, const SessionInfo& info) {
    InfoInsert insert(connection);
    SessionInfo atStart = info;
    atStart.endedNs = -1;
    atStart.eventsLost = 0;
    walkInfo(insert, atStart);
    for (const auto& [name, value] : info.settings)
        insert(std::string(kSettingPrefix) + name, value);
}

void updateEnd(Connection& connection, std::int64_t endedNs, std::int64_t eventsLost) {
    Statement update(connection, "UPDATE session_info SET value = ?2 WHERE name = ?1");
    const auto set = [&update](std::string_view name, std::int64_t value) {
        const std::string text = fmt::format("{}", value);
        update.bindText(0, name);
        update.bindText(1, text);
        update.execute();
    };
    set("events_lost", eventsLost);
    set("ended_ns", endedNs);
}

SessionInfo readInfo(Connection& connection) {
    SessionInfo info;
    std::map<std::string, std::string, std::less<>> rows;
    Statement select(connection, "SELECT name, value FROM session_info ORDER BY rowid");
    for (std::size_t count = 0; select.step(); ++count) {
        if (count == kMostRows)
            throw StoreError(fmt::format("{}: the session's facts have more than {} rows.", connection.name(), kMostRows));
        std::string name(select.text(0));
        std::string value(select.text(1));
        if (name.starts_with(kSettingPrefix))
            info.settings.emplace_back(name.substr(kSettingPrefix.size()), std::move(value));
        else
            rows.insert_or_assign(std::move(name), std::move(value));
    }
    InfoParse parse(rows, connection.name());
    walkInfo(parse, info);
    checkCounts(info, connection.name());
    return info;
}

} // namespace moescope::session
