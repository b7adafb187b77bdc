#pragma once
#include <optional>
#include <vector>

namespace moescope::ui {

/// Orders the turns of a session into conversations: regenerating or editing makes a sibling, going on makes a child. The view
/// shows one path. Pure; owned by ChatPanel. Turns are numbered as in Snapshot::turns.
class ConversationTree {
public:
    /// Context positions before the first answer token and after the last one, as the session says; `before` is 0 until known.
    struct Extent {
        int before = 0;
        int after = 0;
    };

    /// The parent of the turn that will come next; no value: a first turn. Overrides what extents would say.
    void expectChildOf(std::optional<int> parent);
    /// Adds turns up to extents.size(), and places those whose extent has become known. A turn goes on from the deepest turn of
    /// the path that ended before it begins; what begins earlier is another variant.
    void update(const std::vector<Extent>& extents);
    void clear();

    std::vector<int> path() const;
    int size() const { return static_cast<int>(m_nodes.size()); }
    std::optional<int> parentOf(int turn) const;
    std::vector<int> variantsOf(int turn) const; ///< the siblings and itself, in order
    /// Puts the turn, and what follows it, on the path.
    void select(int turn);

private:
    struct Node {
        int parent = -1;
        int chosenChild = -1;
        bool certain = false;
        Extent extent;
    };
    void attach(int turn, int parent);
    int parentByExtent(int turn) const;

    std::vector<Node> m_nodes;
    int m_chosenRoot = -1;
    std::optional<int> m_expected; ///< -1: a first turn
};

} // namespace moescope::ui
