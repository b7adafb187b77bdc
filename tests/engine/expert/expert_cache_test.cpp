#include "engine/expert/expert_cache.h"

#include <gmock/gmock.h>
#include <map>
#include <random>
#include <set>

namespace moescope::expert {
namespace {

using policy::SlotPlan;
using testing::ElementsAre;
using testing::IsEmpty;
using trace::ExpertKey;
using trace::expertKey;

SlotPlan planOf(std::string_view allocation, ExpertCache::Shape shape, int slots) {
    return policy::makeAllocationPolicy(allocation)->plan({.layers = shape.layers, .experts = shape.experts, .slots = slots});
}

ExpertCache cacheOf(std::string_view allocation, ExpertCache::Shape shape, int slots, std::string_view policy = "lru") {
    return {shape, policy::makeCachePolicy(policy), planOf(allocation, shape, slots)};
}

void bringIn(ExpertCache& cache, ExpertKey key) {
    cache.touch(key, 1);
    ASSERT_TRUE(cache.admit(key, AdmitFor::Demand));
    cache.loaded(key);
}

TEST(ExpertCache, FillsFromTheLowestSlotAndThenEvictsTheOldest) {
    ExpertCache cache = cacheOf("uniform", {1, 4}, 2);
    EXPECT_EQ(cache.admit(expertKey(0, 3), AdmitFor::Demand)->slot, 0);
    EXPECT_EQ(cache.state(expertKey(0, 3)), ResidencyState::Loading);
    EXPECT_FALSE(cache.resident(expertKey(0, 3)));
    cache.loaded(expertKey(0, 3));
    EXPECT_TRUE(cache.resident(expertKey(0, 3)));
    bringIn(cache, expertKey(0, 1));
    const auto admission = cache.admit(expertKey(0, 0), AdmitFor::Demand);
    EXPECT_EQ(admission->evicted, expertKey(0, 3));
    EXPECT_EQ(admission->slot, 0);
    EXPECT_EQ(cache.slotOf(expertKey(0, 3)), -1);
    EXPECT_EQ(cache.used(0), 2);
}

TEST(ExpertCache, PinnedAndLoadingExpertsStay) {
    ExpertCache cache = cacheOf("uniform", {1, 4}, 2);
    bringIn(cache, expertKey(0, 0));
    cache.pin(expertKey(0, 0));
    cache.pin(expertKey(0, 0));
    ASSERT_TRUE(cache.admit(expertKey(0, 1), AdmitFor::Demand));
    EXPECT_FALSE(cache.admit(expertKey(0, 2), AdmitFor::Demand));
    cache.unpin(expertKey(0, 0));
    EXPECT_FALSE(cache.admit(expertKey(0, 2), AdmitFor::Demand)) << "pins nest";
    cache.unpin(expertKey(0, 0));
    EXPECT_EQ(cache.admit(expertKey(0, 2), AdmitFor::Demand)->evicted, expertKey(0, 0));
}

TEST(ExpertCache, AGuessNeverEvictsWhatThisStepUses) {
    ExpertCache cache = cacheOf("global", {2, 4}, 2);
    bringIn(cache, expertKey(0, 0));
    bringIn(cache, expertKey(0, 1));
    EXPECT_FALSE(cache.admit(expertKey(1, 0), AdmitFor::Prefetch));
    cache.beginStep();
    cache.touch(expertKey(0, 0), 1);
    EXPECT_EQ(cache.admit(expertKey(1, 0), AdmitFor::Prefetch)->evicted, expertKey(0, 1));
    cache.loaded(expertKey(1, 0));
    EXPECT_FALSE(cache.admit(expertKey(1, 1), AdmitFor::Prefetch)) << "nor another guess of this step";
    EXPECT_TRUE(cache.admit(expertKey(1, 1), AdmitFor::Demand));
}

TEST(ExpertCache, AGuessSparesWhatWasUsedSoManyStepsAgo) {
    for (const int spare : {0, 1, 2, 3}) {
        ExpertCache cache = cacheOf("uniform", {1, 4}, 2);
        cache.setSpareSteps(spare);
        cache.beginStep();
        for (const ExpertKey key : {expertKey(0, 0), expertKey(0, 1)}) {
            bringIn(cache, key);
            cache.touch(key, 1);
        }
        int steps = 0;
        while (!cache.admit(expertKey(0, 2), AdmitFor::Prefetch)) {
            cache.beginStep();
            ++steps;
            ASSERT_LT(steps, 10);
        }
        EXPECT_EQ(steps, spare);
    }
}

TEST(ExpertCache, AGuessSparesWhatIsForeseenAsWell) {
    ExpertCache cache = cacheOf("uniform", {1, 4}, 2);
    bringIn(cache, expertKey(0, 0));
    bringIn(cache, expertKey(0, 1));
    cache.beginStep();
    cache.foreseen(expertKey(0, 0));
    EXPECT_EQ(cache.admit(expertKey(0, 2), AdmitFor::Prefetch)->evicted, expertKey(0, 1)) << "though 0 was used longer ago";
    cache.loaded(expertKey(0, 2));
    EXPECT_FALSE(cache.admit(expertKey(0, 3), AdmitFor::Prefetch));
    EXPECT_EQ(cache.admit(expertKey(0, 3), AdmitFor::Demand)->evicted, expertKey(0, 0)) << "demand may take it";
}

TEST(ExpertCache, ACancelledLoadFreesItsSlot) {
    ExpertCache cache = cacheOf("uniform", {1, 4}, 1);
    ASSERT_TRUE(cache.admit(expertKey(0, 0), AdmitFor::Prefetch));
    cache.pin(expertKey(0, 0));
    cache.abandoned(expertKey(0, 0));
    EXPECT_EQ(cache.state(expertKey(0, 0)), ResidencyState::Absent);
    EXPECT_EQ(cache.used(0), 0);
    bringIn(cache, expertKey(0, 1));
    EXPECT_TRUE(cache.admit(expertKey(0, 0), AdmitFor::Demand)) << "its pin went with it";
}

TEST(ExpertCache, AdmittingWhatIsThereGivesNothing) {
    ExpertCache cache = cacheOf("uniform", {1, 4}, 2);
    bringIn(cache, expertKey(0, 0));
    EXPECT_FALSE(cache.admit(expertKey(0, 0), AdmitFor::Demand));
    EXPECT_EQ(cache.used(0), 1);
}

TEST(ExpertCache, LayersDoNotShareSlotsUnlessThePoolIsGlobal) {
    ExpertCache uniform = cacheOf("uniform", {2, 4}, 2);
    bringIn(uniform, expertKey(0, 0));
    EXPECT_EQ(uniform.admit(expertKey(0, 1), AdmitFor::Demand)->evicted, expertKey(0, 0));
    ExpertCache global = cacheOf("global", {2, 4}, 2);
    bringIn(global, expertKey(0, 0));
    EXPECT_FALSE(global.admit(expertKey(0, 1), AdmitFor::Demand)->evicted);
    EXPECT_EQ(global.used(1), 2);
}

TEST(ExpertCache, ShrinkingEvictsByPolicyAndHighSlotsFallEmpty) {
    ExpertCache cache = cacheOf("global", {2, 4}, 6);
    for (const ExpertKey key : {expertKey(0, 0), expertKey(0, 1), expertKey(1, 0), expertKey(1, 1), expertKey(0, 2)})
        bringIn(cache, key);
    EXPECT_THAT(cache.setPlan(planOf("global", cache.shape(), 2)),
                ElementsAre(expertKey(0, 0), expertKey(0, 1), expertKey(1, 0)));
    EXPECT_EQ(cache.slotCount(), 5) << "expert 0:2 still sits in slot 4";
    const auto admission = cache.admit(expertKey(1, 2), AdmitFor::Demand);
    EXPECT_EQ(admission->evicted, expertKey(1, 1));
    EXPECT_EQ(admission->slot, 0);
    cache.loaded(expertKey(1, 2));
    EXPECT_EQ(cache.admit(expertKey(1, 3), AdmitFor::Demand)->evicted, expertKey(0, 2));
    EXPECT_EQ(cache.slotCount(), 2);
}

TEST(ExpertCache, PinnedExpertsOverTheLimitGoWithALaterTrim) {
    ExpertCache cache = cacheOf("uniform", {2, 4}, 4);
    for (const ExpertKey key : {expertKey(0, 0), expertKey(0, 1), expertKey(1, 0), expertKey(1, 1)})
        bringIn(cache, key);
    cache.pin(expertKey(0, 0));
    cache.pin(expertKey(0, 1));
    EXPECT_THAT(cache.setPlan(planOf("uniform", cache.shape(), 2)), ElementsAre(expertKey(1, 0)));
    EXPECT_EQ(cache.used(0), 2);
    EXPECT_FALSE(cache.admit(expertKey(0, 2), AdmitFor::Demand));
    cache.unpin(expertKey(0, 1));
    EXPECT_THAT(cache.trim(), ElementsAre(expertKey(0, 1)));
    EXPECT_EQ(cache.used(0), 1);
}

TEST(ExpertCache, ANewPolicyKnowsWhoIsThere) {
    ExpertCache cache = cacheOf("uniform", {1, 4}, 3, "lfu");
    for (const int expert : {2, 0, 1})
        bringIn(cache, expertKey(0, expert));
    cache.setPolicy(policy::makeCachePolicy("lru"));
    EXPECT_EQ(cache.policyName(), "lru");
    EXPECT_EQ(cache.admit(expertKey(0, 3), AdmitFor::Demand)->evicted, expertKey(0, 0)) << "key order";
}

TEST(ExpertCache, ImpossiblePlansAreRefused) {
    const ExpertCache::Shape shape{2, 4};
    for (const SlotPlan& plan :
         {SlotPlan{0, {}}, SlotPlan{9, {}}, SlotPlan{3, {3}}, SlotPlan{4, {4, 0}}, SlotPlan{6, {5, 1}}, SlotPlan{5, {2, 2}}}) {
        EXPECT_THROW(ExpertCache(shape, policy::makeCachePolicy("lru"), plan), std::invalid_argument);
        ExpertCache cache = cacheOf("uniform", shape, 4);
        EXPECT_THROW(cache.setPlan(plan), std::invalid_argument);
        EXPECT_EQ(cache.plan().total, 4);
    }
}

/// What the cache promises, kept in plain maps.
class Model {
public:
    explicit Model(ExpertCache& cache) : m_cache(cache) {}
    std::map<ExpertKey, ResidencyState> states;
    std::map<ExpertKey, int> pins;
    std::set<ExpertKey> live;

    bool evictable(ExpertKey key, AdmitFor purpose) const {
        const auto pinned = pins.find(key);
        return states.at(key) == ResidencyState::Resident && (pinned == pins.end() || pinned->second == 0) &&
               !(purpose == AdmitFor::Prefetch && live.contains(key));
    }

    bool samePool(ExpertKey a, ExpertKey b) const { return m_cache.plan().global() || a.layer == b.layer; }

    void admitted(ExpertKey key, AdmitFor purpose, const std::optional<ExpertCache::Admission>& admission) {
        const bool absent = !states.contains(key);
        const int room = m_cache.capacity(key.layer.value);
        int used = 0;
        bool anyEvictable = false;
        for (const auto& entry : states)
            if (samePool(entry.first, key)) {
                ++used;
                anyEvictable = anyEvictable || evictable(entry.first, purpose);
            }
        const bool expected = absent && used <= room && (used < room || anyEvictable);
        if (anyLayerOverItsLimit())
            ASSERT_TRUE(expected || !admission) << "may refuse until trim() has helped";
        else
            ASSERT_EQ(admission.has_value(), expected);
        if (!admission)
            return;
        ASSERT_EQ(admission->evicted.has_value(), used == room);
        if (admission->evicted) {
            ASSERT_TRUE(evictable(*admission->evicted, purpose));
            ASSERT_TRUE(samePool(*admission->evicted, key));
            gone(*admission->evicted);
        }
        states[key] = ResidencyState::Loading;
        if (purpose == AdmitFor::Prefetch)
            live.insert(key);
    }

    bool anyLayerOverItsLimit() const {
        for (int layer = 0; layer < m_cache.shape().layers; ++layer)
            if (m_cache.used(layer) > m_cache.capacity(layer))
                return true;
        return false;
    }

    void gone(ExpertKey key) {
        states.erase(key);
        pins.erase(key);
    }

    void compare() const {
        std::set<int> slots;
        for (int layer = 0; layer < m_cache.shape().layers; ++layer)
            for (int expert = 0; expert < m_cache.shape().experts; ++expert) {
                const ExpertKey key = expertKey(layer, expert);
                const auto found = states.find(key);
                ASSERT_EQ(m_cache.state(key), found == states.end() ? ResidencyState::Absent : found->second);
                const int slot = m_cache.slotOf(key);
                ASSERT_EQ(slot >= 0, found != states.end());
                if (slot >= 0) {
                    ASSERT_TRUE(slots.insert(slot).second);
                    ASSERT_LT(slot, m_cache.slotCount());
                }
            }
        for (int layer = 0; layer < m_cache.shape().layers; ++layer) {
            int used = 0;
            bool over = false;
            for (const auto& entry : states)
                if (m_cache.plan().global() || entry.first.layer.value == layer) {
                    ++used;
                    const auto pinned = pins.find(entry.first);
                    over = over || entry.second == ResidencyState::Loading || (pinned != pins.end() && pinned->second > 0);
                }
            ASSERT_EQ(m_cache.used(layer), used);
            ASSERT_TRUE(used <= m_cache.capacity(layer) || over) << "over the limit without a pinned or loading expert";
        }
    }

private:
    ExpertCache& m_cache;
};

class RandomUse : public testing::TestWithParam<unsigned> {};

TEST_P(RandomUse, NeverBreaksAPromise) {
    std::mt19937 random(GetParam());
    const ExpertCache::Shape shape{1 + static_cast<int>(random() % 3), 1 + static_cast<int>(random() % 6)};
    const auto pick = [&](int count) { return static_cast<int>(random() % static_cast<unsigned>(count)); };
    const auto randomPlan = [&] {
        return planOf(random() % 2 ? "global" : "uniform", shape, 1 + pick(shape.layers * shape.experts));
    };
    ExpertCache cache(shape, policy::makeCachePolicy(random() % 2 ? "lru" : "lfu"), randomPlan());
    Model model(cache);
    for (int round = 0; round < 3000; ++round) {
        const ExpertKey key = expertKey(pick(shape.layers), pick(shape.experts));
        const bool there = model.states.contains(key);
        switch (pick(12)) {
        case 0:
        case 1:
        case 2: {
            const AdmitFor purpose = random() % 2 ? AdmitFor::Demand : AdmitFor::Prefetch;
            model.admitted(key, purpose, cache.admit(key, purpose));
            break;
        }
        case 3:
        case 4:
            cache.loaded(key);
            if (there)
                model.states[key] = ResidencyState::Resident;
            break;
        case 5:
            cache.abandoned(key);
            if (there && model.states[key] == ResidencyState::Loading)
                model.gone(key);
            break;
        case 6:
            cache.touch(key, 0.5F);
            model.live.insert(key);
            break;
        case 7:
            if (there) {
                cache.pin(key);
                ++model.pins[key];
            }
            break;
        case 8:
        case 9:
            if (model.pins[key] > 0) {
                cache.unpin(key);
                --model.pins[key];
            }
            break;
        case 10:
            cache.beginStep();
            model.live.clear();
            break;
        default:
            if (random() % 10 == 0) {
                for (const ExpertKey evicted : cache.setPlan(randomPlan())) {
                    ASSERT_TRUE(model.evictable(evicted, AdmitFor::Demand));
                    model.gone(evicted);
                }
            }
        }
        for (const ExpertKey evicted : cache.trim()) {
            ASSERT_TRUE(model.evictable(evicted, AdmitFor::Demand));
            model.gone(evicted);
        }
        model.compare();
        if (HasFatalFailure())
            return;
    }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomUse, testing::Range(0U, 24U));

} // namespace
} // namespace moescope::expert
