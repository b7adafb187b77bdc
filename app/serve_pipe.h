#pragma once
#include "app/serve_protocol.h"

#include <mutex>
#include <optional>
#include <string>

namespace moescope::app {

/// Lines from a file descriptor, none longer than kMaxLineBytes. One thread; interrupt() from any.
class LineReader {
public:
    struct Line {
        std::string text;
        bool tooLong = false; ///< the line was skipped to its end
    };
    explicit LineReader(int descriptor);
    ~LineReader();
    LineReader(const LineReader&) = delete;
    LineReader& operator=(const LineReader&) = delete;
    /// Nothing at the end of the input or after interrupt(); a last line without its end counts.
    std::optional<Line> next();
    void interrupt();

private:
    bool fill();
    int m_descriptor;
    int m_wake; ///< an eventfd: readable once interrupted
    std::string m_buffer;
    std::size_t m_at = 0;
    bool m_ended = false;
};

/// Replies and notices to a file descriptor, one line each, in one piece. Thread-safe. A reader that went away is noted, not
/// an error: the end of stdin will follow.
class MessageWriter {
public:
    explicit MessageWriter(int descriptor) : m_descriptor(descriptor) {}
    void send(const Message& message);
    void accept(std::int64_t id, Values values = {});
    void refuse(std::optional<std::int64_t> id, const std::string& sentence);
    void notice(std::string name, Values values = {});

private:
    std::mutex m_mutex; ///< one line at a time
    int m_descriptor;
};

} // namespace moescope::app
