#pragma once
#include "engine/policy/miss_service.h"

namespace moescope::policy {

/// `cpu`: the processor computes every miss that may stay; the link is left to prefetching, and the cache to what it holds.
/// Fiddler (arXiv 2402.07033) section 3.
class InPlaceService final : public MissService {
public:
    std::string_view name() const override { return "cpu"; }
    void choose(const MissQuestion& question, std::vector<int>& inPlace) const override { eligible(question, inPlace); }
};

} // namespace moescope::policy
