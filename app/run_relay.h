#pragma once
#include "engine/trace/tracer.h"

#include <atomic>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace moescope::app {

/// Stands between the engine and the recorder: the engine is built first, because the session's facts need it, so what it emits
/// meanwhile is kept and handed on once the recorder is there. Also lets the program see the tokens go by.
/// Owned by Run. openProducer and the producers may be used from any thread, each producer by one; attach once.
class TracerRelay final : public trace::TracerSource {
public:
    /// Called on the emitting thread, right after the event was handed on.
    using OnToken = std::function<void(const trace::TokenEmitted& token, std::string_view text)>;

    explicit TracerRelay(OnToken onToken) : m_onToken(std::move(onToken)) {}

    trace::Tracer& openProducer(std::string_view name) override;
    trace::ScopeSink& scopes() override { return m_scopes ? *m_scopes : trace::TracerSource::scopes(); }
    /// Before the engine is built; the sink must outlive it.
    void setScopes(trace::ScopeSink& scopes) { m_scopes = &scopes; }
    void attach(trace::TracerSource& target);
    /// The index that the next token of the stream will have, as far as the events say.
    trace::TokenIndex nextToken() const { return trace::TokenIndex(m_nextToken.load()); }
    /// Mean time per token between the first and the last one emitted since the last call; 0 if there were fewer than two.
    /// The engine's thread.
    double takeTokenNs();
    /// Says again what a file that begins now could not know: settings changed since the start, and the slots in force.
    /// Any thread; `into` must be that thread's.
    void restate(trace::Tracer& into, trace::TimeNs now);

private:
    class Producer final : public trace::Tracer {
    public:
        Producer(TracerRelay& relay, std::string_view name) : m_relay(relay), m_name(name) {}
        void emit(const trace::Event& event, trace::Payload payload) noexcept override;
        void attach(trace::TracerSource& target);

    private:
        struct Kept {
            trace::Event event;
            std::vector<std::byte> payload;
        };
        void handOn(const trace::Event& event, trace::Payload payload);
        TracerRelay& m_relay;
        std::string m_name;
        std::atomic<trace::Tracer*> m_target = nullptr;
        std::mutex m_mutex; ///< guards m_kept and the moment of attaching
        std::vector<Kept> m_kept;
    };
    struct Change {
        std::string name, before, after;
    };
    void notice(const trace::Event& event, trace::Payload payload);
    void keep(const trace::SettingChanged& event, trace::Payload payload);
    void keep(const trace::SlotsAllocated& event);

    OnToken m_onToken;
    trace::ScopeSink* m_scopes = nullptr;
    trace::TimeNs m_firstEmitted = 0; ///< these three since takeTokenNs()
    trace::TimeNs m_lastEmitted = 0;
    std::int64_t m_emitted = 0;
    std::atomic<std::int32_t> m_nextToken = 0;
    std::mutex m_stateMutex;       ///< guards m_changes and m_slots
    std::vector<Change> m_changes; ///< by name: value at the start and now
    std::vector<trace::SlotsAllocated> m_slots;
    std::mutex m_mutex; ///< guards m_producers and m_target
    std::deque<Producer> m_producers;
    trace::TracerSource* m_target = nullptr;
};

/// What a SettingChanged event carries.
std::string settingPayload(std::string_view name, std::string_view before, std::string_view after);

} // namespace moescope::app
