#include "app/serve_pipe.h"

#include <array>
#include <cerrno>
#include <poll.h>
#include <sys/eventfd.h>
#include <system_error>
#include <unistd.h>

namespace moescope::app {

LineReader::LineReader(int descriptor) : m_descriptor(descriptor), m_wake(eventfd(0, EFD_CLOEXEC)) {
    if (m_wake < 0)
        throw std::system_error(errno, std::generic_category(), "The input cannot be watched");
}

LineReader::~LineReader() {
    close(m_wake);
}

void LineReader::interrupt() {
    eventfd_write(m_wake, 1);
}

bool LineReader::fill() {
    std::array<char, 1 << 16> chunk{};
    ssize_t got = -1;
    std::array<pollfd, 2> watched{pollfd{m_descriptor, POLLIN, 0}, pollfd{m_wake, POLLIN, 0}};
    while (poll(watched.data(), watched.size(), -1) < 0 && errno == EINTR) {
    }
    if (watched[1].revents == 0)
        do {
            got = read(m_descriptor, chunk.data(), chunk.size());
        } while (got < 0 && errno == EINTR);
    if (got <= 0) {
        m_ended = true;
        return false;
    }
    m_buffer.erase(0, m_at);
    m_at = 0;
    m_buffer.append(chunk.data(), static_cast<std::size_t>(got));
    return true;
}

std::optional<LineReader::Line> LineReader::next() {
    Line line;
    while (true) {
        const std::size_t end = m_buffer.find('\n', m_at);
        const std::size_t stop = end == std::string::npos ? m_buffer.size() : end;
        if (line.text.size() + stop - m_at > kMaxLineBytes)
            line.tooLong = true;
        if (line.tooLong)
            line.text.clear();
        else
            line.text.append(m_buffer, m_at, stop - m_at);
        m_at = end == std::string::npos ? stop : end + 1;
        if (end != std::string::npos)
            return line;
        if (m_ended || !fill()) {
            if (line.text.empty() && !line.tooLong)
                return std::nullopt;
            return line;
        }
    }
}

void MessageWriter::send(const Message& message) {
    const std::string line = formatMessage(message) + "\n";
    const std::lock_guard lock(m_mutex);
    std::size_t at = 0;
    while (at < line.size()) {
        const ssize_t written = write(m_descriptor, line.data() + at, line.size() - at);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return;
        at += static_cast<std::size_t>(written);
    }
}

void MessageWriter::accept(std::int64_t id, Values values) {
    send(Reply{id, true, {}, std::move(values)});
}

void MessageWriter::refuse(std::optional<std::int64_t> id, const std::string& sentence) {
    send(Reply{id, false, sentence, {}});
}

void MessageWriter::notice(std::string name, Values values) {
    send(Notice{std::move(name), std::move(values)});
}

} // namespace moescope::app
