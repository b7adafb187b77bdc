#include "engine/trace/scope.h"

#include "tests/engine/runtime/run_capture.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <thread>

namespace moescope::runtime {
namespace {

using trace::Stage;

/// Keeps what was pushed, by thread, and how deep the stacks are.
class ScopeLog final : public trace::ScopeSink {
public:
    void push(const trace::Scope& scope) noexcept override {
        const std::lock_guard lock(m_mutex);
        m_pushed[std::this_thread::get_id()].push_back(scope);
        ++m_depth;
    }
    void pop() noexcept override {
        const std::lock_guard lock(m_mutex);
        --m_depth;
    }
    int depth() const { return m_depth; }
    std::vector<trace::Scope> here() const { return m_pushed.at(std::this_thread::get_id()); }
    std::vector<trace::Scope> elsewhere() const {
        std::vector<trace::Scope> found;
        for (const auto& [thread, scopes] : m_pushed)
            if (thread != std::this_thread::get_id())
                found.insert(found.end(), scopes.begin(), scopes.end());
        return found;
    }

private:
    std::mutex m_mutex;
    std::map<std::thread::id, std::vector<trace::Scope>> m_pushed;
    int m_depth = 0;
};

class ScopedCapture final : public trace::TracerSource {
public:
    trace::Tracer& openProducer(std::string_view name) override { return capture.openProducer(name); }
    trace::ScopeSink& scopes() override { return log; }
    tests::RunCapture capture;
    ScopeLog log;
};

struct ScopedRun {
    explicit ScopedRun(int cacheExperts)
        : engine({.model = tests::bundledModel(),
                  .threads = 1,
                  .settings = tests::settingsOf({{"cache-experts", std::to_string(cacheExperts)}}),
                  .calibration = {}},
                 source, clock) {}
    ScopedCapture source;
    trace::SteadyClock clock;
    Engine engine;
};

TEST(ScopeTest, EveryStageOfAPassIsAScope) {
    ScopedRun run(16);
    const std::vector<std::int32_t> tokens{1, 5};
    run.engine.score(tokens, Engine::ScoreMode::Decode, [](int, auto) { return true; });
    std::vector<trace::Scope> want;
    for (int token = 0; token < 2; ++token) {
        const trace::TokenIndex index(token);
        want.push_back({index, {}, Stage::Embed, {}});
        for (int layer = 0; layer < run.engine.facts().layers; ++layer)
            for (const Stage stage : {Stage::Attention, Stage::Router, Stage::Experts})
                want.push_back({index, {trace::Layer(layer), {}}, stage, {}});
        want.push_back({index, {}, Stage::Output, {}});
    }
    const auto got = run.source.log.here();
    ASSERT_EQ(got.size(), want.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
        EXPECT_EQ(got[i].token, want[i].token) << i;
        EXPECT_EQ(got[i].key, want[i].key) << i;
        EXPECT_EQ(got[i].stage, want[i].stage) << i;
        EXPECT_FALSE(got[i].transfer.valid()) << i;
    }
    EXPECT_EQ(run.source.log.depth(), 0);
}

TEST(ScopeTest, TheMoverNamesTheTransferWhoseBytesItMoves) {
    ScopedRun run(16);
    const std::vector<std::int32_t> tokens{1, 5, 9};
    run.engine.score(tokens, Engine::ScoreMode::Decode, [](int, auto) { return true; });
    std::set<std::int32_t> named;
    for (const trace::Scope& scope : run.source.log.elsewhere()) {
        EXPECT_TRUE(scope.transfer.valid());
        EXPECT_TRUE(scope.token.valid());
        EXPECT_TRUE(scope.key.expert.valid());
        named.insert(scope.transfer.value);
    }
    std::set<std::int32_t> moved;
    for (const auto& span : run.source.capture.all<trace::TransferSpan>())
        moved.insert(span.event.transfer.value);
    EXPECT_FALSE(moved.empty());
    EXPECT_EQ(named, moved);
}

} // namespace
} // namespace moescope::runtime
