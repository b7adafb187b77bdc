#include "profiler/gpu/scope_code.h"

#include "profiler/gpu/gpu_collector.h"

#include <gtest/gtest.h>

namespace moescope::gpu {
namespace {

using trace::Scope;
using trace::Stage;

void expectKept(const Scope& scope) {
    const Scope back = decodePlace(encodePlace(scope));
    EXPECT_EQ(back.token, scope.token);
    EXPECT_EQ(back.key, scope.key);
    EXPECT_EQ(back.stage, scope.stage);
    EXPECT_FALSE(back.transfer.valid());
}

TEST(ScopeCode, EveryPlaceThatASessionMayHoldComesBack) {
    for (const int token : {-1, 0, 1, 4095, 1 << 24})
        for (const int layer : {-1, 0, 47, 4095})
            for (const int expert : {-1, 0, 255, 65534})
                for (const Stage stage : {Stage::Step, Stage::Router, Stage::Sample})
                    expectKept({trace::TokenIndex(token), trace::expertKey(layer, expert), stage, {}});
}

TEST(ScopeCode, EveryTransferComesBackAndNoneIsNone) {
    for (const int id : {-1, 0, 1, 2147483647})
        EXPECT_EQ(decodeTransfer(encodeTransfer(trace::TransferId(id))), trace::TransferId(id));
    EXPECT_FALSE(decodeTransfer(~std::uint64_t{0}).valid());
}

TEST(ScopeCode, DifferentPlacesHaveDifferentCodes) {
    const Scope one{trace::TokenIndex(1), trace::expertKey(2, 3), Stage::Experts, {}};
    Scope other = one;
    other.key.expert = trace::Expert(4);
    EXPECT_NE(encodePlace(one), encodePlace(other));
}

TEST(ScopeCode, WhatDoesNotFitIsNoneAndNotAnother) {
    const Scope scope =
        decodePlace(encodePlace({trace::TokenIndex(2'000'000'000), trace::expertKey(1 << 20, 1 << 20), Stage::Experts, {}}));
    EXPECT_FALSE(scope.token.valid());
    EXPECT_FALSE(scope.key.layer.valid());
    EXPECT_FALSE(scope.key.expert.valid());
    EXPECT_EQ(scope.stage, Stage::Experts);
}

TEST(ScopeCode, StrangeNumbersAreNoPlace) {
    for (const std::uint64_t code : {~std::uint64_t{0}, std::uint64_t{15}, std::uint64_t{1} << 63}) {
        const Scope scope = decodePlace(code);
        EXPECT_FALSE(scope.token.valid());
        EXPECT_EQ(scope.stage, Stage::Step);
    }
}

} // namespace
} // namespace moescope::gpu
