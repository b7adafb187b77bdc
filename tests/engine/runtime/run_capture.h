#pragma once
#include "engine/runtime/engine.h"
#include "engine/trace/routing_payload.h"

#include <deque>
#include <mutex>
#include <string>
#include <vector>

namespace moescope::tests {

/// Keeps what each producer said, payloads included, for tests to look at once the engine is quiet.
class RunCapture final : public trace::TracerSource {
public:
    struct Entry {
        trace::Event event;
        std::vector<std::byte> payload;
        std::string text() const { return {reinterpret_cast<const char*>(payload.data()), payload.size()}; }
    };
    template <class Kind>
    struct Found {
        Kind event;
        std::vector<std::byte> payload;
        std::string text() const { return {reinterpret_cast<const char*>(payload.data()), payload.size()}; }
    };

    trace::Tracer& openProducer(std::string_view) override {
        const std::lock_guard lock(m_mutex);
        return m_producers.emplace_back();
    }
    /// Of one kind, producer by producer, in order of emission.
    template <class Kind>
    std::vector<Found<Kind>> all() const {
        std::vector<Found<Kind>> found;
        for (const Producer& producer : m_producers)
            for (const Entry& entry : producer.entries)
                if (const auto* one = std::get_if<Kind>(&entry.event))
                    found.push_back({*one, entry.payload});
        return found;
    }
    const std::vector<Entry>& engineEntries() const { return m_producers.front().entries; }
    void clear() {
        for (Producer& producer : m_producers)
            producer.entries.clear();
    }

private:
    struct Producer final : trace::Tracer {
        void emit(const trace::Event& event, trace::Payload payload) noexcept override {
            entries.push_back({event, {payload.begin(), payload.end()}});
        }
        std::vector<Entry> entries;
    };
    std::mutex m_mutex;
    std::deque<Producer> m_producers;
};

inline std::filesystem::path bundledModel() {
    return std::filesystem::path(MOESCOPE_SOURCE_DIR) / "resources/model/model-q8_0.gguf";
}

/// An engine that is being watched.
struct WatchedEngine {
    explicit WatchedEngine(runtime::EngineOptions options) : engine(std::move(options), capture, clock) {}

    RunCapture capture;
    trace::SteadyClock clock;
    runtime::Engine engine;

    std::vector<std::int32_t> emittedIds() const {
        std::vector<std::int32_t> ids;
        for (const auto& token : capture.all<trace::TokenEmitted>())
            ids.push_back(token.event.tokenId);
        return ids;
    }
};

inline runtime::Settings settingsOf(const std::vector<std::pair<std::string, std::string>>& changes) {
    runtime::Settings settings;
    for (const auto& [name, value] : changes)
        runtime::setSetting(settings, name, value);
    return settings;
}

inline runtime::GenerationRequest rawRequest(std::string text, int maxTokens, float temperature = 0) {
    runtime::GenerationRequest request;
    request.raw = std::move(text);
    request.maxTokens = maxTokens;
    request.sampling.temperature = temperature;
    request.sampling.seed = 7;
    return request;
}

inline runtime::GenerationRequest chatRequest(std::vector<runtime::ChatMessage> messages, int maxTokens) {
    runtime::GenerationRequest request;
    request.messages = std::move(messages);
    request.maxTokens = maxTokens;
    request.sampling.temperature = 0;
    return request;
}

} // namespace moescope::tests
