#pragma once
#include "engine/trace/tracer.h"
#include "profiler/session/session_writer.h"

#include <filesystem>
#include <memory>

namespace moescope::simulate {

/// Writes the events of a simulation as a session. The file has its name only when it is complete: until then it lies beside
/// it under a name of its own, and goes when the sink goes without finish(). One thread. Throws one sentence.
class SessionSink final : public trace::Tracer {
public:
    /// Fails if the file exists.
    SessionSink(std::filesystem::path file, const session::SessionInfo& info);
    ~SessionSink() override;
    SessionSink(const SessionSink&) = delete;
    SessionSink& operator=(const SessionSink&) = delete;

    void emit(const trace::Event& event, trace::Payload payload) noexcept override;
    /// Writes what has come together, if it is worth a batch.
    void flushIfDue();
    /// `now`: the virtual clock at the end.
    void finish(trace::TimeNs now);

private:
    void flush();
    void removeParts() const;

    std::filesystem::path m_file;
    std::filesystem::path m_part;
    std::unique_ptr<session::SessionWriter> m_writer;
    session::Batch m_batch;
    std::int64_t m_seq = 0;
    trace::TimeNs m_latest = 0; ///< of all events so far
};

} // namespace moescope::simulate
