#include "profiler/simulate/oracle_policy.h"

#include "tests/profiler/simulate/made_recording.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>

namespace moescope::simulate {
namespace {

/// The most hits that any eviction can have in one layer of `slots` slots where each token asks for its experts at once and
/// every missing one must take a slot that no asked-for one holds. Tries everything.
int mostHits(const std::vector<std::vector<int>>& askings, int slots) {
    using Held = std::set<int>;
    std::map<std::pair<std::size_t, Held>, int> known;
    const std::function<int(std::size_t, const Held&)> best = [&](std::size_t at, const Held& held) -> int {
        if (at == askings.size())
            return 0;
        if (const auto found = known.find({at, held}); found != known.end())
            return found->second;
        int hits = 0;
        Held all = held;
        for (const int expert : askings[at]) {
            hits += held.contains(expert) ? 1 : 0;
            all.insert(expert);
        }
        int most = -1;
        const std::function<void(Held)> evict = [&](const Held& left) {
            if (static_cast<int>(left.size()) <= slots) {
                most = std::max(most, best(at + 1, left));
                return;
            }
            for (const int expert : left)
                if (std::find(askings[at].begin(), askings[at].end(), expert) == askings[at].end()) {
                    Held fewer = left;
                    fewer.erase(expert);
                    evict(fewer);
                }
        };
        evict(all);
        return known[{at, held}] = hits + most;
    };
    return best(0, {});
}

TEST(OraclePolicy, IsTheBestEvictionThereIs) {
    int better = 0;
    for (unsigned seed = 0; seed < 60; ++seed) {
        const MadeModel model{.layers = 1, .experts = 5, .topK = seed % 3 == 0 ? 1 : 2};
        const Choices choices = randomChoices(model, 14, seed);
        std::vector<std::vector<int>> askings;
        for (const auto& token : choices)
            askings.push_back(token[0]);
        const Simulator simulator(decoded(model, choices));
        for (int slots = model.topK; slots < model.experts; ++slots) {
            const auto with = [&](const char* cache) {
                return simulator.estimate(scenario({{"cache", cache}, {"cache-experts", std::to_string(slots)}}));
            };
            const Figures oracle = with("belady");
            EXPECT_EQ(oracle.hits, mostHits(askings, slots)) << "seed " << seed << ", " << slots << " slots";
            EXPECT_LE(oracle.hits, oracle.optimumHits) << "a bound with bypass cannot lie below one without";
            better += oracle.hits > with("lru").hits ? 1 : 0;
        }
    }
    EXPECT_GT(better, 20) << "the traces do not tell the policies apart";
}

TEST(OraclePolicy, NoPolicyBeatsIt) {
    for (unsigned seed = 0; seed < 6; ++seed) {
        const MadeModel model{.layers = 3, .experts = 8, .topK = 2};
        const Simulator simulator(decoded(model, randomChoices(model, 80, seed)));
        for (const char* allocation : {"uniform", "global"})
            for (const int slots : {6, 9, 15}) {
                Scenario here = scenario({{"allocation", allocation}, {"cache-experts", std::to_string(slots)}});
                here.set("cache", "belady");
                const Figures oracle = simulator.estimate(here);
                for (const std::string& policy : policy::cachePolicyNames()) {
                    here.set("cache", policy);
                    const Figures figures = simulator.estimate(here);
                    EXPECT_LE(figures.hits, oracle.hits) << policy << ", " << slots << " slots, " << allocation;
                    EXPECT_LE(figures.hits, figures.optimumHits);
                    EXPECT_EQ(figures.hits + figures.misses, figures.optimumAccesses);
                }
            }
    }
}

TEST(OraclePolicy, OnTheSamplesItLiesBetweenThePoliciesAndTheBound) {
    for (const char* name : {"thrashing", "global-pool-collapse", "adaptive-gating"}) {
        SCOPED_TRACE(name);
        const Simulator simulator(
            readRecording(std::filesystem::path(MOESCOPE_SOURCE_DIR) / "sample_sessions" / (std::string(name) + ".moescope")));
        const Figures oracle = simulator.estimate(scenario({{"cache", "belady"}}));
        // Two slots and two wanted experts leave nothing to choose: whatever is not wanted now must go.
        const bool choice = std::string_view(name) != "thrashing";
        EXPECT_GE(oracle.hits, simulator.recording().figures.hits + (choice ? 1 : 0));
        EXPECT_LE(oracle.hitRate(), oracle.optimumHitRate());
        EXPECT_EQ(oracle.optimumHits, simulator.recording().figures.optimumHits) << "the bound depends on the askings only";
    }
}

} // namespace
} // namespace moescope::simulate
