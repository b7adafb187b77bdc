#pragma once
#include "profiler/analysis/snapshot.h"
#include "profiler/session/batch.h"

namespace moescope::analysis {

/// Router decisions: choices, what gating dropped, and how well the layer before predicted them. Per-layer figures and the
/// means of the summary count decode decisions only. Owned by SnapshotBuilder; one thread.
class GateReducer {
public:
    void on(const trace::ExpertsChosen& e, trace::Payload payload, Snapshot& s);

    /// Means, recall, working set and experts-for-90 %.
    void derive(const Snapshot& s, Summary& summary) const;

private:
    /// What one layer's gate said the next layer would choose, best first.
    struct Prediction {
        trace::TokenIndex token;
        std::int32_t layer = -1; ///< predicted layer
        int count = 0;
        std::array<std::uint16_t, trace::kMaxTopK> ids{};
    };
    Prediction& predictionOf(trace::TokenIndex token);
    void comparePrediction(const trace::ExpertsChosen& e, ChoiceRecord& choice, LayerRecord& layer);
    /// layer: that the gate is of.
    void notePrediction(const trace::ExpertsChosen& e, std::int32_t layer, std::span<const std::uint16_t> gate);
    void count(const trace::ExpertsChosen& e, const ChoiceRecord& choice, Snapshot& s);

    std::vector<Prediction> m_predictions; ///< direct-mapped by token
    std::vector<std::int64_t> m_runs;      ///< [layer*experts + expert]
    std::vector<std::uint16_t> m_order;    ///< scratch
    std::int64_t m_decisions = 0, m_kept = 0, m_single = 0;
    std::int64_t m_predictedSlots = 0, m_predictedHits = 0;
    double m_entropySum = 0;
};

} // namespace moescope::analysis
