#include "profiler/session/lod_builder.h"

#include <algorithm>

namespace moescope::session {
namespace {

constexpr std::size_t kMostEarly = 1u << 16;
constexpr auto kUndecided = static_cast<std::int32_t>(CopyColour::PrefetchUndecided);

} // namespace

void LodBuilder::add(const Record& record) {
    if (const auto* resolved = std::get_if<trace::PrefetchResolved>(&record.event))
        resolve(*resolved);
    for (const LaneItem& item : m_items.add(record))
        addItem(item);
}

void LodBuilder::addItem(LaneItem item) {
    if (item.colourKey == kUndecided && item.lane == Lane::CopyPrefetch) {
        if (const auto early = m_early.find(item.transfer); early != m_early.end()) {
            item.colourKey = static_cast<std::int32_t>(early->second);
            m_early.erase(early);
        } else {
            m_open.try_emplace(item.transfer);
        }
    }
    Node leaf;
    leaf.transfer = item.transfer;
    const trace::TimeNs ns = item.end - item.begin;
    leaf.row = {0, item.begin, item.end, item.busy(), ns, 1, item.colourKey, item.bytes, item.seq, item.firstSeq, item.seq};
    auto& levels = m_nodes[static_cast<std::size_t>(item.lane)];
    if (item.lane == Lane::Tokens) {
        leaf.row.id = lodId(item.lane, 0, levels[0].bucket * kLodFanOut + levels[0].children);
        m_rows.push_back(leaf.row);
    }
    const Node* child = &leaf;
    Node full;
    for (int level = 1; level <= kLodLevels; ++level) {
        Node& node = levels[static_cast<std::size_t>(level - 1)];
        merge(node, *child);
        if (node.children < kLodFanOut)
            return;
        putOut(item.lane, level, node);
        full = node;
        child = &full;
        node = Node{};
        node.bucket = full.bucket + 1;
    }
}

void LodBuilder::merge(Node& into, const Node& child) {
    LodRow& row = into.row;
    const LodRow& other = child.row;
    if (into.children == 0) {
        const std::int64_t bucket = into.bucket;
        into = child;
        into.bucket = bucket;
        into.children = 0;
    } else {
        row.begin = std::min(row.begin, other.begin);
        row.end = std::max(row.end, other.end);
        row.busyNs += other.busyNs;
        row.count += other.count;
        row.bytes += other.bytes;
        row.firstSeq = std::min(row.firstSeq, other.firstSeq);
        row.lastSeq = other.lastSeq;
        if (other.longestNs > row.longestNs) {
            row.longestNs = other.longestNs;
            into.transfer = child.transfer;
            row.colourKey = other.colourKey;
            row.seq = other.seq;
        }
    }
    ++into.children;
    into.changed = true;
}

void LodBuilder::putOut(Lane lane, int level, Node& node) {
    node.row.id = lodId(lane, level, node.bucket);
    node.changed = false;
    m_rows.push_back(node.row);
    if (lane == Lane::CopyPrefetch && node.row.colourKey == kUndecided && node.children == kLodFanOut)
        m_open[node.transfer].push_back(node.row);
}

void LodBuilder::flushPartials() {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
        Node& node = m_nodes[lane][0];
        if (node.children > 0 && node.changed)
            putOut(static_cast<Lane>(lane), 1, node);
    }
}

void LodBuilder::resolve(const trace::PrefetchResolved& resolved) {
    const auto colour = resolved.used ? CopyColour::PrefetchUsed : CopyColour::PrefetchWasted;
    const std::int32_t transfer = resolved.transfer.value;
    const auto open = m_open.find(transfer);
    if (open == m_open.end()) {
        if (m_early.size() < kMostEarly)
            m_early.emplace(transfer, colour);
        return;
    }
    for (LodRow row : open->second) {
        row.colourKey = static_cast<std::int32_t>(colour);
        m_rows.push_back(row);
    }
    m_open.erase(open);
    for (Node& node : m_nodes[static_cast<std::size_t>(Lane::CopyPrefetch)])
        if (node.children > 0 && node.transfer == transfer && node.row.colourKey == kUndecided) {
            node.row.colourKey = static_cast<std::int32_t>(colour);
            node.changed = true;
        }
}

} // namespace moescope::session
