#pragma once
#include "engine/policy/prefetch_policy.h"

namespace moescope::policy {

/// Fetches only what was asked for. Stateless; any thread.
class NoPrefetchPolicy final : public PrefetchPolicy {
public:
    std::string_view name() const override { return "none"; }
    int depth() const override { return 0; }
    int spareSteps() const override { return 1; }
    PrefetchPlan suggest(const PrefetchQuestion&) const override { return {}; }
};

} // namespace moescope::policy
