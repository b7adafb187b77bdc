#pragma once
#include "engine/trace/ids.h"

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace moescope::policy {

/// Who leaves when a slot is needed. Pure and deterministic; knows keys, no slots and no bytes.
/// The expert cache calls it on one thread. Serves the engine and the simulator.
class CachePolicy {
public:
    virtual ~CachePolicy() = default;
    virtual std::string_view name() const = 0;
    /// A new answer begins; sequence-level statistics may be reset.
    virtual void beginSequence() {}
    /// A pass over all layers begins: one token in decode, many in prefill.
    virtual void beginStep() {}
    /// The expert was asked for by the router (hit or miss), with its gate weight 0..1.
    virtual void touched(trace::ExpertKey key, float weight) = 0;
    /// The expert got a slot (demand or prefetch) without having been asked for yet in the latter case.
    virtual void admitted(trace::ExpertKey key) = 0;
    /// Which of the candidates (never empty, any order, all resident and unpinned) leaves. Returns an index into candidates.
    virtual std::size_t victim(std::span<const trace::ExpertKey> candidates) = 0;
};

/// Of the policy `weighted`: how much recency, frequency and nearness of the layer's turn count. Only ratios matter.
struct CacheWeights {
    double lru = 0.25;
    double lfu = 0.5;
    double fld = 0.25;
    friend bool operator==(const CacheWeights&, const CacheWeights&) = default;
};
/// "0.25,0.5,0.25": three numbers in the order of the struct, 0 to 1000, not all 0. Throws std::invalid_argument with one
/// sentence.
CacheWeights parseCacheWeights(std::string_view text);
std::string formatCacheWeights(const CacheWeights& weights);

std::vector<std::string> cachePolicyNames();
/// Throws std::invalid_argument with one sentence if the name is unknown.
std::unique_ptr<CachePolicy> makeCachePolicy(std::string_view name, const CacheWeights& weights = {});

} // namespace moescope::policy
