#include "app/run_relay.h"

#include <gtest/gtest.h>
#include <thread>

namespace moescope::app {
namespace {

using namespace std::string_view_literals;

/// Keeps what arrives, by producer.
class Listener final : public trace::TracerSource {
public:
    struct Heard final : trace::Tracer {
        explicit Heard(std::string_view n) : name(n) {}
        void emit(const trace::Event& event, trace::Payload payload) noexcept override {
            events.push_back(event);
            payloads.emplace_back(reinterpret_cast<const char*>(payload.data()), payload.size());
        }
        std::string name;
        std::vector<trace::Event> events;
        std::vector<std::string> payloads;
    };
    trace::Tracer& openProducer(std::string_view name) override { return producers.emplace_back(name); }
    std::deque<Heard> producers;
};

trace::TokenEmitted token(int index) {
    trace::TokenEmitted e;
    e.token = trace::TokenIndex(index);
    return e;
}

TEST(TracerRelay, HandsOnWhatCameBeforeInOrder) {
    std::vector<std::string> seen;
    TracerRelay relay([&](const trace::TokenEmitted&, std::string_view text) { seen.emplace_back(text); });
    trace::Tracer& early = relay.openProducer("early");
    early.emit(token(0), trace::asPayload("a"));
    early.emit(token(1), trace::asPayload("b"));
    Listener listener;
    relay.attach(listener);
    early.emit(token(2), trace::asPayload("c"));
    relay.openProducer("late").emit(token(3), trace::asPayload("d"));
    ASSERT_EQ(listener.producers.size(), 2U);
    EXPECT_EQ(listener.producers[0].name, "early");
    EXPECT_EQ(listener.producers[0].payloads, (std::vector<std::string>{"a", "b", "c"}));
    EXPECT_EQ(listener.producers[1].payloads, (std::vector<std::string>{"d"}));
    EXPECT_EQ(seen, (std::vector<std::string>{"a", "b", "c", "d"}));
    EXPECT_EQ(relay.nextToken(), trace::TokenIndex(4));
}

TEST(TracerRelay, LosesNothingWhenItIsAttachedWhileEventsCome) {
    TracerRelay relay({});
    trace::Tracer& producer = relay.openProducer("busy");
    Listener listener;
    std::thread thread([&] {
        for (int i = 0; i < 20'000; ++i)
            producer.emit(token(i), {});
    });
    relay.attach(listener);
    thread.join();
    ASSERT_EQ(listener.producers[0].events.size(), 20'000U);
    for (int i = 0; i < 20'000; ++i)
        ASSERT_EQ(std::get<trace::TokenEmitted>(listener.producers[0].events[static_cast<std::size_t>(i)]).token.value, i);
}

TEST(TracerRelay, SaysAgainWhatIsInForce) {
    TracerRelay relay({});
    trace::Tracer& engine = relay.openProducer("engine");
    engine.emit(trace::SlotsAllocated{1, trace::Layer(0), 4}, {});
    engine.emit(trace::SlotsAllocated{1, trace::Layer(1), 4}, {});
    engine.emit(trace::SettingChanged{2, {}}, trace::asPayload("cache\0lru\0lfu"sv));
    engine.emit(trace::SettingChanged{3, {}}, trace::asPayload("gate\0topk\0adapmoe"sv));
    engine.emit(trace::SettingChanged{4, {}}, trace::asPayload("cache\0lfu\0lru2"sv));
    engine.emit(trace::SlotsAllocated{5, trace::Layer(), 7}, {});
    Listener::Heard heard("file");
    relay.restate(heard, 99);
    ASSERT_EQ(heard.events.size(), 3U);
    EXPECT_EQ(heard.payloads[0], "cache\0lru\0lru2"sv);
    EXPECT_EQ(heard.payloads[1], "gate\0topk\0adapmoe"sv);
    const auto slots = std::get<trace::SlotsAllocated>(heard.events[2]);
    EXPECT_FALSE(slots.layer.valid());
    EXPECT_EQ(slots.slots, 7);
    EXPECT_EQ(slots.at, 99);
    engine.emit(trace::SlotsAllocated{6, trace::Layer(1), 3}, {});
    Listener::Heard again("file");
    relay.restate(again, 100);
    ASSERT_EQ(again.events.size(), 3U);
    EXPECT_EQ(std::get<trace::SlotsAllocated>(again.events[2]).layer, trace::Layer(1));
}

} // namespace
} // namespace moescope::app
