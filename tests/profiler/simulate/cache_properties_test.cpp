// What must hold for every trace, whatever the policies are.
#include "tests/profiler/simulate/made_recording.h"

#include <gtest/gtest.h>

#include <list>

namespace moescope::simulate {
namespace {

/// Hits per layer.
class LayerHits final : public trace::Tracer {
public:
    explicit LayerHits(int layers) : hits(static_cast<std::size_t>(layers)) {}
    void emit(const trace::Event& event, trace::Payload) noexcept override {
        if (const auto* hit = std::get_if<trace::ExpertHit>(&event))
            ++hits[static_cast<std::size_t>(hit->key.layer.value)];
    }
    std::vector<int> hits;
};

/// A textbook LRU stack over one layer.
int textbookHits(const Choices& choices, std::size_t layer, std::size_t slots) {
    std::list<int> stack;
    int hits = 0;
    for (const auto& token : choices) {
        for (const int expert : token[layer])
            hits += std::find(stack.begin(), stack.end(), expert) != stack.end() ? 1 : 0;
        for (const int expert : token[layer]) {
            stack.remove(expert);
            stack.push_front(expert);
        }
        while (stack.size() > slots)
            stack.pop_back();
    }
    return hits;
}

TEST(CacheProperties, MoreSlotsNeverLowerTheHitsOfLruInAnyLayer) {
    for (unsigned seed = 0; seed < 5; ++seed) {
        const MadeModel model{.layers = 3, .experts = 8, .topK = 2};
        const Choices choices = randomChoices(model, 100, seed);
        const Simulator simulator(decoded(model, choices));
        std::vector<int> before(3, 0);
        for (int slots = 2; slots < model.experts; ++slots) {
            LayerHits counter(model.layers);
            simulator.trace(scenario({{"cache", "lru"}, {"cache-experts", std::to_string(slots * model.layers)}}), counter);
            for (std::size_t layer = 0; layer < before.size(); ++layer) {
                EXPECT_GE(counter.hits[layer], before[layer]);
                EXPECT_EQ(counter.hits[layer], textbookHits(choices, layer, static_cast<std::size_t>(slots)));
            }
            before = counter.hits;
        }
    }
}

TEST(CacheProperties, WithoutPrefetchTheBytesAreThoseOfTheMisses) {
    for (unsigned seed = 0; seed < 5; ++seed) {
        const MadeModel model{.layers = 2, .experts = 6, .topK = 2, .expertBytes = 123'457};
        const Simulator simulator(decoded(model, randomChoices(model, 60, seed)));
        for (const char* cache : {"lru", "lfu", "belady"})
            for (const char* slots : {"4", "7", "11"}) {
                const Figures figures = simulator.estimate(scenario({{"cache", cache}, {"cache-experts", slots}}));
                EXPECT_EQ(figures.bytesDemand, figures.misses * model.expertBytes);
                EXPECT_EQ(figures.bytesPrefetch + figures.bytesAllocation, 0);
            }
    }
}

TEST(CacheProperties, EverythingResidentNeverMissesAndIsLoadedOnce) {
    const MadeModel model{.layers = 2, .experts = 6, .topK = 2};
    const Figures figures = Simulator(decoded(model, randomChoices(model, 40, 1))).estimate({});
    EXPECT_EQ(figures.misses, 0);
    EXPECT_EQ(figures.hitRate(), 1);
    EXPECT_EQ(figures.bytesAllocation, 12 * model.expertBytes);
    EXPECT_EQ(figures.decodeStallNs, 0);
}

TEST(CacheProperties, ASlowerLinkNeverMakesDemandCachingFaster) {
    const MadeModel model{.layers = 2, .experts = 8, .topK = 2};
    const Simulator simulator(decoded(model, randomChoices(model, 60, 9)));
    trace::TimeNs before = 0;
    std::int64_t hits = -1;
    for (const char* link : {"100", "25", "10", "1", "0.1"}) {
        const Figures figures = simulator.estimate(scenario({{"link", link}, {"cache-experts", "6"}}));
        EXPECT_GE(figures.timedNs, before) << link;
        EXPECT_TRUE(hits < 0 || hits == figures.hits) << "hits do not depend on time";
        hits = figures.hits;
        before = figures.timedNs;
    }
}

TEST(CacheProperties, APerfectForecastWithTimeToSpareHidesTheCopies) {
    // The made recordings foresee the next layer exactly; a copy takes 1 us and a stage 10 us.
    const MadeModel model{.layers = 4, .experts = 8, .topK = 2, .expertBytes = 1000};
    const Simulator simulator(decoded(model, randomChoices(model, 60, 5)));
    const Scenario none = scenario({{"link", "100"}, {"cache-experts", "16"}});
    Scenario ahead = none;
    ahead.set("prefetch", "next-layer");
    ahead.set("prefetch-budget-mb", "10");
    const Figures before = simulator.estimate(none);
    const Figures after = simulator.estimate(ahead);
    EXPECT_GT(after.prefetchIssued, 50);
    EXPECT_GT(after.hitRate(), before.hitRate() + 0.2);
    EXPECT_LT(after.timedNs, before.timedNs);
    EXPECT_GT(static_cast<double>(after.prefetchUsed), 0.95 * static_cast<double>(after.prefetchIssued));
}

} // namespace
} // namespace moescope::simulate
