#include "engine/expert/transfer_queue.h"

#include <algorithm>

namespace moescope::expert {

namespace {

std::size_t rankOf(const Transfer& transfer) {
    if (transfer.urgent())
        return 0;
    return transfer.request.cause == trace::TransferCause::Allocation ? 2 : 1;
}

auto placeOf(auto& rank, trace::TransferId id) {
    return std::find_if(rank.begin(), rank.end(), [id](const Transfer& transfer) { return transfer.id == id; });
}

} // namespace

void TransferQueue::push(const Transfer& transfer) {
    m_ranks[rankOf(transfer)].push_back(transfer);
}

void TransferQueue::putBack(const Transfer& transfer) {
    m_ranks[rankOf(transfer)].push_front(transfer);
}

bool TransferQueue::promote(trace::TransferId id) {
    const Transfer* queued = find(id);
    if (!queued || queued->urgent())
        return false;
    Transfer transfer = *remove(id);
    transfer.promoted = true;
    push(transfer);
    return true;
}

std::optional<Transfer> TransferQueue::remove(trace::TransferId id) {
    for (Rank& rank : m_ranks) {
        const auto place = placeOf(rank, id);
        if (place == rank.end())
            continue;
        const Transfer transfer = *place;
        rank.erase(place);
        return transfer;
    }
    return std::nullopt;
}

std::optional<Transfer> TransferQueue::pop() {
    for (Rank& rank : m_ranks) {
        if (rank.empty())
            continue;
        const Transfer transfer = rank.front();
        rank.pop_front();
        return transfer;
    }
    return std::nullopt;
}

const Transfer* TransferQueue::find(trace::TransferId id) const {
    for (const Rank& rank : m_ranks) {
        const auto place = placeOf(rank, id);
        if (place != rank.end())
            return &*place;
    }
    return nullptr;
}

bool TransferQueue::empty() const {
    return std::all_of(m_ranks.begin(), m_ranks.end(), [](const Rank& rank) { return rank.empty(); });
}

} // namespace moescope::expert
