#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace moescope::policy {

/// The missed experts of one layer, when all that it wants has been asked for, and what serving one takes. A time below 0 has
/// not been measured yet.
struct MissQuestion {
    struct Miss {
        int tokens = 1;   ///< of the pass that want it
        float weight = 0; ///< largest gate weight among them
        /// Of one that is on its way already, because it was guessed: to its arrival, about. -1: it is not on its way.
        double arrivesNs = -1;
        bool travels() const { return arrivesNs >= 0; }
    };
    std::span<const Miss> misses;
    int freeSlots = 0;     ///< that a miss could move into without anything leaving
    double copyNs = -1;    ///< to bring one expert over the link
    double inPlaceNs = -1; ///< to compute one expert for one token where it waits
    /// What an instant of the link is worth beside an instant of waiting, 0 to 1: guesses would use it.
    double linkWorth = 0;
};

/// Who computes a missed expert: the fast tier once its bytes have travelled, or the processor where it waits ("in place"),
/// while others travel. Pure.
class MissService {
public:
    virtual ~MissService() = default;
    virtual std::string_view name() const = 0;
    /// Fills inPlace with indices into question.misses, in the order in which they are to be computed; the rest travel, or are
    /// waited for.
    virtual void choose(const MissQuestion& question, std::vector<int>& inPlace) const = 0;

    /// An expert that more tokens of a pass want travels whatever the service: its bytes are then read once for all of them.
    static constexpr int kMostTokens = 4;

protected:
    /// Those that may be computed in place, the cheapest first: few tokens, then not on their way, then little weight, which is
    /// the least likely to be wanted again. Left out is what arrives sooner than it would be computed, and, from the end, as
    /// many as find a free slot: what moves in for nothing is kept.
    static void eligible(const MissQuestion& question, std::vector<int>& indices);
};

std::vector<std::string> missServiceNames();
/// Throws std::invalid_argument with one sentence if the name is unknown.
std::unique_ptr<MissService> makeMissService(std::string_view name);

} // namespace moescope::policy
