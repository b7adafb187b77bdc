#pragma once
#include "engine/policy/sensitivities.h"
#include "ui/slider_scale.h"

#include <QString>
#include <optional>
#include <vector>

namespace moescope::ui {

/// How the threshold of one gate reads, how far it goes, and where on the axis "weight share beyond the first expert" it acts.
/// The rules themselves are engine/policy; this only knows their words and their place. Values; pure.
class GateRule {
public:
    GateRule() = default;
    /// known: what the session knows of its model, may be null.
    GateRule(const QString& gate, const policy::Sensitivities* known, int topK);

    const QString& gate() const { return m_gate; }
    /// False for topk, which has no threshold.
    bool hasThreshold() const { return m_kind != Kind::None; }
    /// Why the gate cannot work with what this session knows of its model; empty: it can.
    const QString& missing() const { return m_missing; }
    /// One sentence: what the threshold does.
    QString meaning() const;
    /// "T 0.018", "≤ 0.12", "β 0.49", "35 %": the threshold as this gate's users read it.
    QString valueText(double threshold) const;
    /// From the plain model to where a larger threshold changes nothing any more.
    SliderScale scale() const;
    double most() const { return scale().high; }

    /// Whether the threshold is a place on the share axis; static-k and random drop by rank and by dice.
    bool placed() const;
    /// Share up to which further experts are dropped; layer -1: at the mean of the layers. Only where placed().
    double shareAt(double threshold, int layer = -1) const;
    double thresholdAt(double share, int layer = -1) const;

    /// The sensitivities that this gate looks at, [layers]; empty where it looks at none. Of pairs: the mean over the pairs.
    const std::vector<double>& sensitivity() const { return m_sensitivity; }
    /// "refined", "paper", "pair"; empty where it looks at none.
    QString form() const;

private:
    enum class Kind { None, Error, FewerExperts, Weight, Mass, Ratio, Dice };
    double sensitivityAt(int layer) const;

    QString m_gate;
    QString m_missing;
    Kind m_kind = Kind::None;
    int m_topK = 2;
    std::vector<double> m_sensitivity;
    double m_largest = 1; ///< of the sensitivities, of all pairs
};

/// Mean over the pairs of different experts, [layers]; empty without a table.
std::vector<double> pairMeans(const policy::Sensitivities& known);

} // namespace moescope::ui
