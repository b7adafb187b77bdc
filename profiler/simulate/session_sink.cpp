#include "profiler/simulate/session_sink.h"

#include <algorithm>
#include <fmt/format.h>
#include <stdexcept>

namespace moescope::simulate {
namespace {

// A commit costs as much as thousands of events.
constexpr std::size_t kBatchEvents = 8192;

} // namespace

SessionSink::SessionSink(std::filesystem::path file, const session::SessionInfo& info)
    : m_file(std::move(file)), m_part(m_file) {
    std::error_code ignored;
    if (std::filesystem::exists(m_file, ignored))
        throw std::runtime_error(fmt::format("{}: the file exists already.", m_file.filename().string()));
    m_part += fmt::format(".{}.part", info.id.substr(0, 8));
    m_writer = std::make_unique<session::SessionWriter>(m_part, info);
    m_batch.number = 1;
}

SessionSink::~SessionSink() {
    if (!m_writer)
        return;
    m_writer.reset();
    removeParts();
}

void SessionSink::removeParts() const {
    for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
        std::error_code ignored;
        std::filesystem::path path = m_part;
        path += suffix;
        std::filesystem::remove(path, ignored);
    }
}

void SessionSink::emit(const trace::Event& event, trace::Payload payload) noexcept {
    m_batch.append(++m_seq, event, payload);
    m_latest = std::max(m_latest, trace::timeOf(event));
}

void SessionSink::flushIfDue() {
    if (m_batch.records.size() >= kBatchEvents)
        flush();
}

void SessionSink::flush() {
    if (m_batch.records.empty())
        return;
    m_batch.committedAt = m_latest;
    m_writer->write(m_batch);
    ++m_batch.number;
    m_batch.records.clear();
    m_batch.arena.clear();
}

void SessionSink::finish(trace::TimeNs now) {
    flush();
    m_writer->finish(std::max(now, m_latest), 0);
    std::error_code problem;
    if (std::filesystem::exists(m_file, problem))
        throw std::runtime_error(fmt::format("{}: the file exists already.", m_file.filename().string()));
    std::filesystem::rename(m_part, m_file, problem);
    if (problem)
        throw std::runtime_error(fmt::format("{}: the file cannot be named so: {}.", m_file.string(), problem.message()));
    m_writer.reset();
}

} // namespace moescope::simulate
