#include "profiler/exchange/trace_file.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace moescope::exchange {
namespace {

/// Microseconds with three decimals, without going through a double.
std::string micros(trace::TimeNs ns) {
    const bool negative = ns < 0;
    const trace::TimeNs size = negative ? -ns : ns;
    return fmt::format("{}{}.{:03}", negative ? "-" : "", size / 1000, size % 1000);
}

} // namespace

std::string jsonQuoted(std::string_view text) {
    return nlohmann::json(std::string(text)).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

TraceFile::TraceFile(std::filesystem::path path, std::string_view otherDataJson) : m_path(std::move(path)) {
    if (std::filesystem::exists(m_path))
        throw std::runtime_error(fmt::format("{} exists already; choose another name.", m_path.string()));
    m_file.open(m_path, std::ios::binary);
    if (!m_file)
        throw std::runtime_error(fmt::format("{} cannot be written.", m_path.string()));
    m_buffer = fmt::format("{{\"displayTimeUnit\":\"ms\",\"otherData\":{},\"traceEvents\":[", otherDataJson);
}

void TraceFile::line(std::string_view json) {
    m_buffer += m_events == 0 ? "\n" : ",\n";
    m_buffer += json;
    ++m_events;
    constexpr std::size_t kSpillBytes = 1u << 16;
    if (m_buffer.size() < kSpillBytes)
        return;
    m_file.write(m_buffer.data(), static_cast<std::streamsize>(m_buffer.size()));
    m_buffer.clear();
}

void TraceFile::nameProcess(std::string_view name) {
    line(fmt::format(R"({{"ph":"M","pid":1,"name":"process_name","args":{{"name":{}}}}})", jsonQuoted(name)));
}

void TraceFile::nameLane(int tid, std::string_view name) {
    line(fmt::format(R"({{"ph":"M","pid":1,"tid":{},"name":"thread_name","args":{{"name":{}}}}})", tid, jsonQuoted(name)));
    line(fmt::format(R"({{"ph":"M","pid":1,"tid":{0},"name":"thread_sort_index","args":{{"sort_index":{0}}}}})", tid));
}

void TraceFile::span(int tid, std::string_view name, trace::TimeNs begin, trace::TimeNs end, std::string_view args) {
    line(fmt::format(R"({{"ph":"X","pid":1,"tid":{},"ts":{},"dur":{},"name":{},"args":{{{}}}}})", tid, micros(begin),
                     micros(end - begin), jsonQuoted(name), args));
}

void TraceFile::instant(int tid, std::string_view name, trace::TimeNs at, char scope, std::string_view args) {
    line(fmt::format(R"({{"ph":"i","pid":1,"tid":{},"ts":{},"s":"{}","name":{},"args":{{{}}}}})", tid, micros(at), scope,
                     jsonQuoted(name), args));
}

void TraceFile::counter(std::string_view name, trace::TimeNs at, std::string_view args) {
    line(fmt::format(R"({{"ph":"C","pid":1,"ts":{},"name":{},"args":{{{}}}}})", micros(at), jsonQuoted(name), args));
}

void TraceFile::close() {
    m_buffer += "\n]}\n";
    m_file.write(m_buffer.data(), static_cast<std::streamsize>(m_buffer.size()));
    m_buffer.clear();
    m_file.close();
    if (!m_file)
        throw std::runtime_error(fmt::format("{} could not be written completely; is the disk full?", m_path.string()));
}

} // namespace moescope::exchange
