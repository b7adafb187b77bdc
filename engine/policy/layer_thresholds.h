#pragma once
#include <map>
#include <string>
#include <string_view>

namespace moescope::policy {

/// Layers that do not follow the common threshold: layer from 0 -> its own.
using LayerOverrides = std::map<int, double>;

/// "3:0.01,5-7:0.2" (one layer or a range, colon, a number from 0 to 10^6), later entries over earlier ones; "none" or nothing:
/// no overrides. Layers 0..4095. Throws std::invalid_argument with one sentence.
LayerOverrides parseLayerOverrides(std::string_view text);
/// The shortest text that parseLayerOverrides reads back as the same; "none" if empty.
std::string formatLayerOverrides(const LayerOverrides& overrides);

/// The threshold of each layer: one for all, but for the overrides. Immutable; any thread.
class LayerThresholds {
public:
    /// Throws std::invalid_argument with one sentence unless all are finite and not negative.
    LayerThresholds(double common, LayerOverrides overrides);

    double at(int layer) const {
        if (m_overrides.empty())
            return m_common;
        const auto found = m_overrides.find(layer);
        return found == m_overrides.end() ? m_common : found->second;
    }
    /// True if every layer's is 0: no gate drops anything then.
    bool allZero() const;

private:
    double m_common = 0;
    LayerOverrides m_overrides;
};

} // namespace moescope::policy
