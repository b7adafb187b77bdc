#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace moescope::policy {

struct AllocationQuestion {
    int layers = 0;
    int experts = 0; ///< per layer
    int slots = 0;   ///< over all layers
};

/// How the slots are shared out. perLayer is empty for one global pool.
struct SlotPlan {
    int total = 0;
    std::vector<int> perLayer; ///< [layers], sums to total, each 0..experts
    bool global() const { return perLayer.empty(); }
    friend bool operator==(const SlotPlan&, const SlotPlan&) = default;
};

class AllocationPolicy {
public:
    virtual ~AllocationPolicy() = default;
    virtual std::string_view name() const = 0;
    /// Never more than layers*experts in total, never more than experts in a layer. `uniform` gives the remainder to the
    /// first layers and every layer at least one slot (total rises to `layers` if the budget is smaller).
    virtual SlotPlan plan(const AllocationQuestion& question) const = 0;
};

std::vector<std::string> allocationPolicyNames();
/// Throws std::invalid_argument with one sentence if the name is unknown.
std::unique_ptr<AllocationPolicy> makeAllocationPolicy(std::string_view name);

} // namespace moescope::policy
