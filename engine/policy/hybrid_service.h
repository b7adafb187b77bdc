#pragma once
#include "engine/policy/miss_service.h"

namespace moescope::policy {

/// `hybrid`: shares the misses of a layer so that link and processor finish together, as far as whole experts allow, going by
/// what a copy and a computation took so far. A copy is preferred where both would do, because it leaves the expert in the
/// cache. What has not been measured is tried.
class HybridService final : public MissService {
public:
    std::string_view name() const override { return "hybrid"; }
    void choose(const MissQuestion& question, std::vector<int>& inPlace) const override;
};

} // namespace moescope::policy
