// What runs several times per token must not allocate: this binary counts.
#include "engine/expert/expert_supply.h"
#include "engine/expert/immediate_mover.h"

#include "slot_memory.h"

#include <cstdlib>
#include <gtest/gtest.h>
#include <new>

namespace {
thread_local long allocations = 0;
}

// Not inlined, or the compiler sees new meet free and warns.
[[gnu::noinline]] void* operator new(std::size_t size) {
    ++allocations;
    if (void* memory = std::malloc(size ? size : 1))
        return memory;
    throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}

namespace moescope::expert {
namespace {

TEST(SteadyState, ALayerOfHitsAllocatesNothing) {
    trace::NullTracer tracer;
    const trace::SteadyClock clock;
    SlotMemory memory(32, 1, 16);
    ImmediateMover mover(memory, tracer, clock);
    ExpertCache cache({4, 8}, policy::makeCachePolicy("lfu"), {32, {8, 8, 8, 8}});
    ExpertSupply supply(cache, mover, tracer, clock);
    supply.fill();
    supply.finishTransfers();
    int handed = 0;
    const auto token = [&](int index) {
        supply.beginStep(trace::TokenIndex(index));
        for (int layer = 0; layer < 4; ++layer) {
            const std::array<ExpertSupply::Want, 2> wants{{{(index + layer) % 8, .6F}, {(index + layer + 3) % 8, .4F}}};
            supply.ask(layer, wants);
            while (const auto ready = supply.next()) {
                ++handed;
                supply.done(ready->expert);
            }
        }
    };
    for (int index = 0; index < 8; ++index)
        token(index);
    const long before = allocations;
    for (int index = 8; index < 100; ++index)
        token(index);
    EXPECT_EQ(allocations, before);
    EXPECT_EQ(handed, 100 * 4 * 2);
}

TEST(SteadyState, EvictionAllocatesNothing) {
    ExpertCache cache({4, 8}, policy::makeCachePolicy("lru"), {6, {}});
    const auto use = [&](int index) {
        const auto key = trace::expertKey(index % 4, index * 5 % 8);
        cache.touch(key, .5F);
        if (cache.admit(key, AdmitFor::Demand))
            cache.loaded(key);
    };
    for (int index = 0; index < 64; ++index)
        use(index);
    const long before = allocations;
    for (int index = 64; index < 1000; ++index)
        use(index);
    EXPECT_EQ(allocations, before);
}

TEST(SteadyState, GatingAllocatesNothing) {
    const auto gate = policy::makeGatePolicy("adapmoe", {.threshold = 0.05, .sensitivity = {1, 2}});
    const std::array<float, 8> logits{.1F, 2, .3F, 1.5F, -1, 0, .2F, .7F};
    std::array<float, 8> probabilities{};
    const long before = allocations;
    int kept = 0;
    for (int layer = 0; layer < 2; ++layer)
        kept += gate->choose({.layer = layer, .logits = logits, .rule = {}}, probabilities).kept;
    EXPECT_EQ(allocations, before);
    EXPECT_GT(kept, 0);
}

} // namespace
} // namespace moescope::expert
