#include "ui/chat/conversation_tree.h"

#include <algorithm>

namespace moescope::ui {

void ConversationTree::expectChildOf(std::optional<int> parent) {
    m_expected = parent.value_or(-1);
}

void ConversationTree::clear() {
    m_nodes.clear();
    m_chosenRoot = -1;
    m_expected.reset();
}

void ConversationTree::update(const std::vector<Extent>& extents) {
    for (std::size_t i = 0; i < extents.size(); ++i) {
        const int turn = static_cast<int>(i);
        if (i < m_nodes.size()) {
            m_nodes[i].extent = extents[i];
            // Only the newest can be uncertain: nothing hangs on it yet.
            if (!m_nodes[i].certain && extents[i].before > 0) {
                m_nodes[i].certain = true;
                attach(turn, parentByExtent(turn));
            }
            continue;
        }
        const std::vector<int> way = path();
        m_nodes.push_back({});
        m_nodes[i].extent = extents[i];
        if (m_expected) {
            m_nodes[i].certain = true;
            attach(turn, *m_expected);
            m_expected.reset();
        } else if (extents[i].before > 0) {
            m_nodes[i].certain = true;
            attach(turn, parentByExtent(turn));
        } else {
            attach(turn, way.empty() ? -1 : way.back());
        }
    }
}

int ConversationTree::parentByExtent(int turn) const {
    const auto& node = m_nodes[static_cast<std::size_t>(turn)];
    std::vector<int> way = path();
    for (auto at = way.rbegin(); at != way.rend(); ++at) {
        if (*at < turn && m_nodes[static_cast<std::size_t>(*at)].extent.after < node.extent.before)
            return *at;
    }
    return -1;
}

void ConversationTree::attach(int turn, int parent) {
    if (parent >= turn)
        parent = -1;
    Node& node = m_nodes[static_cast<std::size_t>(turn)];
    if (node.parent >= 0 && m_nodes[static_cast<std::size_t>(node.parent)].chosenChild == turn)
        m_nodes[static_cast<std::size_t>(node.parent)].chosenChild = -1; // it was there for want of better knowledge
    node.parent = parent;
    select(turn);
}

std::vector<int> ConversationTree::path() const {
    std::vector<int> way;
    for (int at = m_chosenRoot; at >= 0; at = m_nodes[static_cast<std::size_t>(at)].chosenChild)
        way.push_back(at);
    return way;
}

std::optional<int> ConversationTree::parentOf(int turn) const {
    const int parent = m_nodes.at(static_cast<std::size_t>(turn)).parent;
    return parent < 0 ? std::nullopt : std::optional(parent);
}

std::vector<int> ConversationTree::variantsOf(int turn) const {
    const int parent = m_nodes.at(static_cast<std::size_t>(turn)).parent;
    std::vector<int> siblings;
    for (std::size_t i = 0; i < m_nodes.size(); ++i) {
        if (m_nodes[i].parent == parent)
            siblings.push_back(static_cast<int>(i));
    }
    return siblings;
}

void ConversationTree::select(int turn) {
    int child = turn;
    for (int parent = m_nodes.at(static_cast<std::size_t>(turn)).parent; parent >= 0;
         parent = m_nodes[static_cast<std::size_t>(parent)].parent) {
        m_nodes[static_cast<std::size_t>(parent)].chosenChild = child;
        child = parent;
    }
    m_chosenRoot = child;
}

} // namespace moescope::ui
