#include "ui/gating/gate_trial.h"

#include "profiler/analysis/recorded_decisions.h"

#include <cmath>

namespace moescope::ui {

namespace {
constexpr qint64 kReadEveryMs = 500;
}

void GateTrial::settle(const GateFacts& facts) {
    if (m_setting && m_setting->gate == facts.gate && m_setting->overrides == facts.overrides &&
        std::abs(facts.threshold - m_setting->threshold) <= 1e-9 + 0.005 * m_setting->threshold)
        m_setting.reset();
}

void GateTrial::readDecisions(const analysis::Snapshot& snapshot) {
    const bool other = m_file != snapshot.file || !m_decisions;
    if (!other && (m_choices == snapshot.choices.size() || (m_read.isValid() && m_read.elapsed() < kReadEveryMs)))
        return;
    m_decisions = analysis::recordedDecisions(snapshot);
    m_file = snapshot.file;
    m_choices = snapshot.choices.size();
    m_read.start();
}

GateEstimate GateTrial::expected(const analysis::Snapshot& snapshot) {
    if (!m_setting)
        return {};
    readDecisions(snapshot);
    policy::GateParameters parameters = analysis::gateParameters(snapshot.calibration.get(), {});
    parameters.threshold = m_setting->threshold;
    parameters.overrides = m_setting->overrides;
    return estimateGate(m_setting->gate, parameters, *m_decisions);
}

} // namespace moescope::ui
