#pragma once
#include "engine/trace/ids.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace moescope::exchange {

/// The JSON text of a Chrome trace, written as it comes. args are the inside of a JSON object ("\"token\":3"), or empty.
/// One thread. Throws std::runtime_error with one sentence when the file exists or cannot be written.
class TraceFile {
public:
    TraceFile(std::filesystem::path path, std::string_view otherDataJson);

    void nameProcess(std::string_view name);
    void nameLane(int tid, std::string_view name);
    void span(int tid, std::string_view name, trace::TimeNs begin, trace::TimeNs end, std::string_view args);
    /// scope: 't' for the lane, 'g' for the whole trace.
    void instant(int tid, std::string_view name, trace::TimeNs at, char scope, std::string_view args);
    void counter(std::string_view name, trace::TimeNs at, std::string_view args);
    void close();
    std::int64_t events() const { return m_events; }

private:
    void line(std::string_view json);
    std::filesystem::path m_path;
    std::ofstream m_file;
    std::string m_buffer;
    std::int64_t m_events = 0;
};

/// With quotes; bytes that are not UTF-8 become U+FFFD.
std::string jsonQuoted(std::string_view text);

} // namespace moescope::exchange
