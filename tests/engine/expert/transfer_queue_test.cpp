#include "engine/expert/transfer_queue.h"

#include <gmock/gmock.h>

namespace moescope::expert {
namespace {

using trace::TransferCause;
using trace::TransferId;

Transfer transferOf(int id, TransferCause cause) {
    Transfer transfer;
    transfer.id = TransferId(id);
    transfer.request.cause = cause;
    transfer.request.key = trace::expertKey(0, id);
    return transfer;
}

std::vector<int> drain(TransferQueue& queue) {
    std::vector<int> order;
    while (const auto transfer = queue.pop())
        order.push_back(transfer->id.value);
    return order;
}

using testing::ElementsAre;

TEST(TransferQueue, DemandThenPrefetchThenAllocationInOrderOfArrival) {
    TransferQueue queue;
    queue.push(transferOf(0, TransferCause::Allocation));
    queue.push(transferOf(1, TransferCause::Prefetch));
    EXPECT_FALSE(queue.demandWaits());
    queue.push(transferOf(2, TransferCause::Demand));
    queue.push(transferOf(3, TransferCause::Allocation));
    queue.push(transferOf(4, TransferCause::Demand));
    queue.push(transferOf(5, TransferCause::Prefetch));
    EXPECT_TRUE(queue.demandWaits());
    EXPECT_FALSE(queue.empty());
    EXPECT_THAT(drain(queue), ElementsAre(2, 4, 1, 5, 0, 3));
    EXPECT_TRUE(queue.empty());
    EXPECT_FALSE(queue.pop());
}

TEST(TransferQueue, PromotionGoesToTheEndOfDemandAndKeepsTheCause) {
    TransferQueue queue;
    queue.push(transferOf(0, TransferCause::Prefetch));
    queue.push(transferOf(1, TransferCause::Prefetch));
    queue.push(transferOf(2, TransferCause::Demand));
    EXPECT_TRUE(queue.promote(TransferId(1)));
    EXPECT_FALSE(queue.promote(TransferId(1))) << "already urgent";
    EXPECT_FALSE(queue.promote(TransferId(2)));
    EXPECT_FALSE(queue.promote(TransferId(9)));
    EXPECT_EQ(queue.find(TransferId(1))->request.cause, TransferCause::Prefetch);
    queue.push(transferOf(3, TransferCause::Demand));
    EXPECT_THAT(drain(queue), ElementsAre(2, 1, 3, 0));
}

TEST(TransferQueue, WhatMadeWayComesFirstOfItsRank) {
    TransferQueue queue;
    queue.push(transferOf(0, TransferCause::Prefetch));
    queue.push(transferOf(1, TransferCause::Prefetch));
    Transfer first = *queue.pop();
    first.nextBlock = 3;
    queue.push(transferOf(2, TransferCause::Demand));
    queue.putBack(first);
    EXPECT_TRUE(queue.find(TransferId(0))->started());
    EXPECT_THAT(drain(queue), ElementsAre(2, 0, 1));
}

TEST(TransferQueue, RemovalLeavesTheOthersInOrder) {
    TransferQueue queue;
    for (int id = 0; id < 4; ++id)
        queue.push(transferOf(id, id % 2 ? TransferCause::Prefetch : TransferCause::Demand));
    EXPECT_EQ(queue.remove(TransferId(0))->id, TransferId(0));
    EXPECT_FALSE(queue.remove(TransferId(0)));
    EXPECT_EQ(queue.remove(TransferId(3))->id, TransferId(3));
    EXPECT_EQ(queue.find(TransferId(3)), nullptr);
    EXPECT_THAT(drain(queue), ElementsAre(2, 1));
}

} // namespace
} // namespace moescope::expert
