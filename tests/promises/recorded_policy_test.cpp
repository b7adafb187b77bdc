// Promise 2: the recorded policy, run again over the recorded choices by the very classes that ran in the engine, gives exactly
// the recorded hits, misses and evictions. Holds for demand caching; with prefetch the arrival times decide.
#include "engine/expert/expert_supply.h"
#include "engine/expert/immediate_mover.h"
#include "engine/runtime/settings.h"
#include "profiler/session/session_reader.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>

namespace {

using namespace moescope;
namespace fs = std::filesystem;

/// What happened to the cache, in order.
struct Step {
    char kind; ///< h hit, m miss, e eviction
    trace::ExpertKey key;
    friend bool operator==(const Step&, const Step&) = default;
};

std::ostream& operator<<(std::ostream& out, const Step& step) {
    return out << step.kind << ' ' << step.key.layer.value << '/' << step.key.expert.value;
}

class StepLog final : public trace::Tracer {
public:
    void emit(const trace::Event& event, trace::Payload) noexcept override {
        if (const auto* hit = std::get_if<trace::ExpertHit>(&event))
            steps.push_back({'h', hit->key});
        else if (const auto* miss = std::get_if<trace::ExpertMissed>(&event))
            steps.push_back({'m', miss->key});
        else if (const auto* evicted = std::get_if<trace::ExpertEvicted>(&event))
            steps.push_back({'e', evicted->key});
    }
    std::vector<Step> steps;
};

class NoBytes final : public expert::ExpertLoader {
public:
    std::int64_t expertBytes(trace::ExpertKey) const override { return 1; }
    int blocks(trace::ExpertKey) const override { return 1; }
    std::int64_t loadBlock(trace::ExpertKey, int, int) override { return 1; }
};

/// The kept experts of one layer of one pass, in the order in which the decoder asks for them: first use first.
struct Question {
    trace::TokenIndex token;
    int layer = 0;
    std::vector<expert::ExpertSupply::Want> wants;
};

/// Runs the cache as the engine does: settings between tokens, one question per layer, hits together and the rest one by one.
class RecordedRun {
public:
    explicit RecordedRun(const session::SessionInfo& info)
        : m_shape{info.model.layers, info.model.experts}, m_settings(settingsOf(info)),
          m_cache(m_shape, policy::makeCachePolicy(m_settings.cache), plan()), m_mover(m_loader, m_log, m_clock),
          m_supply(m_cache, m_mover, m_log, m_clock) {
        fillIfAllFit();
    }

    void change(std::string_view name, std::string_view value) {
        runtime::setSetting(m_settings, name, value);
        if (name == "cache")
            m_supply.setCachePolicy(policy::makeCachePolicy(m_settings.cache));
        if (const auto wanted = plan(); wanted != m_cache.plan()) {
            m_supply.setPlan(wanted);
            fillIfAllFit();
        }
    }

    void beginSequence() { m_supply.beginSequence(); }

    void ask(const Question& question) {
        if (question.layer == 0)
            m_supply.beginStep(question.token);
        m_supply.ask(question.layer, question.wants);
        auto together = std::count_if(question.wants.begin(), question.wants.end(), [&](const auto& want) {
            return m_cache.resident(trace::expertKey(question.layer, want.expert));
        });
        for (std::size_t ran = 0; ran < question.wants.size();) {
            std::vector<int> ready;
            do {
                ready.push_back(m_supply.next().value().expert);
            } while (--together > 0);
            for (int expert : ready)
                m_supply.done(expert);
            ran += ready.size();
        }
    }

    const std::vector<Step>& steps() const { return m_log.steps; }

private:
    static runtime::Settings settingsOf(const session::SessionInfo& info) {
        runtime::Settings settings;
        const auto known = runtime::settingNames();
        for (const auto& [name, value] : info.settings)
            if (std::find(known.begin(), known.end(), name) != known.end())
                runtime::setSetting(settings, name, value);
        return settings;
    }
    policy::SlotPlan plan() const {
        const int all = m_shape.layers * m_shape.experts;
        const int slots = m_settings.cacheExperts == 0 ? all : std::min(m_settings.cacheExperts, all);
        return policy::makeAllocationPolicy(m_settings.allocation)->plan({m_shape.layers, m_shape.experts, slots});
    }
    void fillIfAllFit() {
        if (m_cache.plan().total == m_shape.layers * m_shape.experts) {
            m_supply.fill();
            m_supply.finishTransfers();
        }
    }

    expert::ExpertCache::Shape m_shape;
    runtime::Settings m_settings;
    StepLog m_log;
    NoBytes m_loader;
    trace::ManualClock m_clock;
    expert::ExpertCache m_cache;
    expert::ImmediateMover m_mover;
    expert::ExpertSupply m_supply;
};

/// Gathers the router decisions of one layer and pass into the decoder's question.
class Questions {
public:
    /// True when the previous question is complete, that is, when this choice belongs to another layer or pass.
    bool startsNew(const trace::ExpertsChosen& event) const {
        return m_now.layer != event.layer.value || m_lastToken.value + 1 != event.token.value;
    }
    void add(const trace::ExpertsChosen& event, const trace::RoutingPayload& routing) {
        if (m_now.wants.empty()) {
            m_now.token = event.token;
            m_now.layer = event.layer.value;
        }
        m_lastToken = event.token;
        float sum = 0;
        for (int rank = 0; rank < event.kept; ++rank)
            sum += routing.weights[static_cast<std::size_t>(rank)];
        for (int rank = 0; rank < event.kept; ++rank) {
            const int expert = routing.ids[static_cast<std::size_t>(rank)];
            const float weight = routing.weights[static_cast<std::size_t>(rank)] / sum;
            const auto found =
                std::find_if(m_now.wants.begin(), m_now.wants.end(), [&](const auto& w) { return w.expert == expert; });
            if (found == m_now.wants.end())
                m_now.wants.push_back({expert, weight});
            else
                found->weight = std::max(found->weight, weight);
        }
    }
    bool pending() const { return !m_now.wants.empty(); }
    Question take() { return std::exchange(m_now, {}); }

private:
    Question m_now;
    trace::TokenIndex m_lastToken;
};

struct Comparison {
    std::vector<Step> recorded, again;
};

Comparison runAgain(const fs::path& file) {
    session::SessionReader reader(file);
    RecordedRun run(reader.info());
    StepLog recorded;
    Questions questions;
    const auto finishQuestion = [&] {
        if (questions.pending())
            run.ask(questions.take());
    };
    while (const auto batch = reader.next())
        for (const auto& record : batch->records) {
            const auto payload = batch->payload(record);
            recorded.emit(record.event, payload);
            if (const auto* chosen = std::get_if<trace::ExpertsChosen>(&record.event)) {
                if (questions.pending() && questions.startsNew(*chosen))
                    finishQuestion();
                questions.add(*chosen, trace::decodeRouting(*chosen, payload).value());
            } else if (std::holds_alternative<trace::PromptBegan>(record.event)) {
                finishQuestion();
                run.beginSequence();
            } else if (std::holds_alternative<trace::SettingChanged>(record.event)) {
                finishQuestion();
                const std::string text(reinterpret_cast<const char*>(payload.data()), payload.size());
                const auto first = text.find('\0'), second = text.find('\0', first + 1);
                run.change(text.substr(0, first), text.substr(second + 1));
            }
        }
    finishQuestion();
    return {recorded.steps, run.steps()};
}

bool prefetches(const fs::path& file) {
    session::SessionReader reader(file);
    while (const auto batch = reader.next())
        for (const auto& record : batch->records)
            if (std::holds_alternative<trace::PrefetchIssued>(record.event))
                return true;
    return false;
}

TEST(RecordedPolicy, GivesTheRecordedHitsMissesAndEvictionsAgain) {
    int compared = 0;
    for (const auto& entry : fs::directory_iterator(fs::path(MOESCOPE_SOURCE_DIR) / "sample_sessions")) {
        if (entry.path().extension() != ".moescope" || prefetches(entry.path()))
            continue;
        SCOPED_TRACE(entry.path().filename());
        const auto [recorded, again] = runAgain(entry.path());
        ASSERT_EQ(recorded.size(), again.size());
        for (std::size_t index = 0; index < recorded.size(); ++index)
            ASSERT_EQ(recorded[index], again[index]) << "step " << index;
        EXPECT_GT(recorded.size(), 1000U);
        ++compared;
    }
    EXPECT_GE(compared, 3);
}

} // namespace
