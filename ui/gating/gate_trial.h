#pragma once
#include "ui/gate_estimate.h"
#include "ui/gating/gating_model.h"

#include <QElapsedTimer>
#include <optional>

namespace moescope::ui {

/// A setting of the gate that someone tries: under the hand, asked for and not yet in force, or in a replay, where it only says
/// what would have been. Owned by GatingPanel; GUI thread.
class GateTrial {
public:
    struct Setting {
        QString gate;
        double threshold = 0;
        policy::LayerOverrides overrides;
        GateRule rule;
    };
    bool active() const { return m_setting.has_value(); }
    const std::optional<Setting>& setting() const { return m_setting; }
    void set(Setting setting) { m_setting = std::move(setting); }
    void clear() { m_setting.reset(); }
    /// Ends the trial once the session says what was asked for.
    void settle(const GateFacts& facts);

    /// What it would have done to the session's newest decisions, which are read again at most twice a second.
    GateEstimate expected(const analysis::Snapshot& snapshot);

private:
    void readDecisions(const analysis::Snapshot& snapshot);

    std::optional<Setting> m_setting;
    std::optional<policy::DecisionTrace> m_decisions;
    std::string m_file;
    std::size_t m_choices = 0;
    QElapsedTimer m_read;
};

} // namespace moescope::ui
