#include "profiler/analysis/belady.h"

#include <bit>
#include <gtest/gtest.h>
#include <map>
#include <random>
#include <set>

namespace moescope::analysis {
namespace {

/// One step of a made-up run: the experts that one layer wants, or new slots.
struct Action {
    std::vector<trace::ExpertKey> group;
    int slotsLayer = -2; ///< -2: no change, -1: global pool
    int slots = 0;
};

std::int64_t onlineHits(const std::vector<Action>& run, int layers, int experts) {
    OfflineOptimum optimum(layers, experts);
    for (const Action& action : run) {
        if (action.slotsLayer >= -1)
            optimum.setSlots(trace::Layer(action.slotsLayer), action.slots);
        for (const trace::ExpertKey key : action.group)
            optimum.access(key);
        optimum.endGroup();
    }
    std::int64_t hits = 0;
    for (int layer = 0; layer < layers; ++layer)
        hits += optimum.hits(layer);
    return hits;
}

/// Belady as in the textbook: look ahead, keep what is needed soonest. One pool.
std::int64_t lookAheadHits(const std::vector<Action>& run) {
    std::set<trace::ExpertKey> kept;
    std::size_t slots = 0;
    std::int64_t hits = 0;
    const auto nextUse = [&](trace::ExpertKey key, std::size_t after) {
        for (std::size_t i = after; i < run.size(); ++i)
            if (std::find(run[i].group.begin(), run[i].group.end(), key) != run[i].group.end())
                return i;
        return run.size();
    };
    const auto shrink = [&](std::size_t now) {
        while (kept.size() > slots)
            kept.erase(
                std::max_element(kept.begin(), kept.end(), [&](auto a, auto b) { return nextUse(a, now) < nextUse(b, now); }));
    };
    for (std::size_t i = 0; i < run.size(); ++i) {
        if (run[i].slotsLayer >= -1)
            slots = static_cast<std::size_t>(run[i].slots);
        shrink(i);
        for (const trace::ExpertKey key : run[i].group)
            hits += kept.count(key) ? 1 : 0;
        kept.insert(run[i].group.begin(), run[i].group.end());
        shrink(i + 1);
    }
    return hits;
}

/// The most hits over every possible choice of what to keep: tries them all. Keys are (0, 0..n-1).
std::int64_t exhaustiveHits(const std::vector<Action>& run, int keys) {
    std::map<unsigned, std::int64_t> best{{0U, 0}};
    int slots = 0;
    for (const Action& action : run) {
        if (action.slotsLayer >= -1)
            slots = action.slots;
        unsigned group = 0;
        for (const trace::ExpertKey key : action.group)
            group |= 1U << key.expert.value;
        std::map<unsigned, std::int64_t> after;
        for (const auto& [kept, hits] : best) {
            // Fewer slots take effect before the accesses.
            for (unsigned now = kept;; now = (now - 1) & kept) {
                if (std::popcount(now) <= slots) {
                    const std::int64_t sum = hits + std::popcount(now & group);
                    for (unsigned next = 0; next < (1U << keys); ++next)
                        if ((next & ~(now | group)) == 0 && std::popcount(next) <= slots)
                            after[next] = std::max(after[next], sum);
                }
                if (now == 0)
                    break;
            }
        }
        best = std::move(after);
    }
    std::int64_t most = 0;
    for (const auto& [kept, hits] : best)
        most = std::max(most, hits);
    return most;
}

std::vector<Action> randomRun(std::mt19937& random, int steps, int layers, int experts, int topK, bool global) {
    const int most = global ? layers * experts : experts;
    std::vector<Action> run;
    if (global)
        run.push_back({{}, -1, static_cast<int>(random() % static_cast<unsigned>(most)) + 1});
    else
        for (int layer = 0; layer < layers; ++layer)
            run.push_back({{}, layer, static_cast<int>(random() % static_cast<unsigned>(most)) + 1});
    for (int step = 0; step < steps; ++step) {
        Action action;
        const int layer = step % layers;
        std::set<int> wanted;
        while (static_cast<int>(wanted.size()) < 1 + static_cast<int>(random() % static_cast<unsigned>(topK)))
            wanted.insert(static_cast<int>(std::min(random() % static_cast<unsigned>(experts), random() % 100)));
        for (const int expert : wanted)
            action.group.push_back(trace::expertKey(layer, expert));
        if (random() % 8 == 0) {
            action.slotsLayer = global ? -1 : layer;
            action.slots = static_cast<int>(random() % static_cast<unsigned>(most + 1));
        }
        run.push_back(action);
    }
    return run;
}

TEST(OfflineOptimum, EqualsExhaustiveSearch) {
    std::mt19937 random(11);
    for (int round = 0; round < 60; ++round) {
        const int keys = 3 + round % 3;
        const std::vector<Action> run = randomRun(random, 14, 1, keys, 2, false);
        EXPECT_EQ(onlineHits(run, 1, keys), exhaustiveHits(run, keys)) << "round " << round;
    }
}

TEST(OfflineOptimum, EqualsLookAheadInOneLayerAndInAGlobalPool) {
    std::mt19937 random(5);
    for (int round = 0; round < 20; ++round) {
        const std::vector<Action> layer = randomRun(random, 200, 1, 16, 4, false);
        EXPECT_EQ(onlineHits(layer, 1, 16), lookAheadHits(layer)) << "round " << round;
        const std::vector<Action> global = randomRun(random, 200, 4, 8, 2, true);
        EXPECT_EQ(onlineHits(global, 4, 8), lookAheadHits(global)) << "round " << round;
    }
}

TEST(OfflineOptimum, LayersDoNotShareTheirSlots) {
    std::mt19937 random(8);
    const std::vector<Action> run = randomRun(random, 300, 3, 8, 2, false);
    std::int64_t expected = 0;
    for (int layer = 0; layer < 3; ++layer) {
        std::vector<Action> own;
        for (Action action : run) {
            if (action.slotsLayer != layer)
                action.slotsLayer = -2;
            if (action.slotsLayer == -2 && (action.group.empty() || action.group.front().layer.value != layer))
                continue;
            own.push_back(action);
        }
        expected += lookAheadHits(own);
    }
    EXPECT_EQ(onlineHits(run, 3, 8), expected);
}

TEST(OfflineOptimum, ALoadedExpertHitsAtItsFirstUse) {
    OfflineOptimum optimum(1, 4);
    optimum.setSlots(trace::Layer(0), 2);
    for (int expert = 0; expert < 4; ++expert)
        optimum.load(trace::expertKey(0, expert));
    for (int expert = 0; expert < 4; ++expert) {
        optimum.access(trace::expertKey(0, expert));
        optimum.endGroup();
    }
    EXPECT_EQ(optimum.hits(0), 2) << "only two of the four that were loaded can have been kept";
    EXPECT_EQ(optimum.accesses(0), 4);
}

TEST(OfflineOptimum, UsesTheSlotsInForceAcrossPoolKinds) {
    OfflineOptimum optimum(2, 4);
    optimum.setSlots(trace::Layer(0), 1);
    optimum.setSlots(trace::Layer(1), 1);
    for (int layer = 0; layer < 2; ++layer)
        optimum.access(trace::expertKey(layer, 0));
    optimum.setSlots(trace::Layer(), 1);
    optimum.access(trace::expertKey(0, 0));
    optimum.access(trace::expertKey(1, 0));
    EXPECT_EQ(optimum.hits(0) + optimum.hits(1), 1) << "the global pool holds one of the two";
}

} // namespace
} // namespace moescope::analysis
