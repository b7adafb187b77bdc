#pragma once
#include "engine/policy/miss_service.h"

namespace moescope::policy {

/// `copy`: every miss travels.
class CopyService final : public MissService {
public:
    std::string_view name() const override { return "copy"; }
    void choose(const MissQuestion&, std::vector<int>& inPlace) const override { inPlace.clear(); }
};

} // namespace moescope::policy
