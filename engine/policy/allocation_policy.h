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
    /// first layers. All but `global` give every layer at least one slot (total rises to `layers` if the budget is smaller).
    /// Throws std::invalid_argument with one sentence if the parameters are of a model of another shape.
    virtual SlotPlan plan(const AllocationQuestion& question) const = 0;
};

/// What is known of the layers' traffic. Lists are per layer; an empty one means nothing is known.
struct AllocationParameters {
    int topK = 2;
    /// kept[layer][n-1]: share of tokens that run n experts there, 1..topK, each list sums to 1; empty: all run topK.
    std::vector<std::vector<double>> kept{};
    /// AdapMoE's beta: probability that a prefetch brings an expert which the layer then wants, in time; empty: 0.
    std::vector<double> prefetchHit{};
    /// hitCurve[layer][slots 0..experts]: measured share of the askings that hit with that many slots; needed by `curves`.
    std::vector<std::vector<double>> hitCurve{};
};

std::vector<std::string> allocationPolicyNames();
/// Throws std::invalid_argument with one sentence if the name is unknown or a needed parameter is missing or out of range.
std::unique_ptr<AllocationPolicy> makeAllocationPolicy(std::string_view name, const AllocationParameters& parameters = {});

} // namespace moescope::policy
