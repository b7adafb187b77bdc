#pragma once
#include "profiler/simulate/simulation.h"

namespace moescope::simulate {

/// What one layer of one pass needs while it is simulated; sized once. Part of a Simulation.
struct Simulation::Scratch {
    explicit Scratch(std::size_t experts);

    void beginLayer();
    /// ids and weights of the recorded candidates.
    void readChoice(const trace::ExpertsChosen& event, trace::Payload payload);
    /// The recorded softmax as logits. Half precision makes close gates equal; the recorded candidates keep their order.
    void readLogits(const trace::ExpertsChosen& event, trace::Payload payload);
    /// The payload of a decision that was made anew, with the recorded softmax and predictions.
    trace::Payload payloadOf(const trace::ExpertsChosen& event, const policy::GateChoice& choice,
                             const trace::ExpertsChosen& was, trace::Payload recorded);
    void addRow(std::span<const std::uint16_t> chosen, std::span<const float> chosenWeights, int kept);
    /// Takes a decision's predictions into the maximum over the rows.
    void foresee(const trace::ExpertsChosen& event, trace::Payload payload);
    std::span<const std::span<const float>> strongest(int depths);
    /// Fills foreseen from the layer's one decision; false if nothing was foreseen for it.
    bool readForeseen(const Recording& recording, const LayerWork& layer);
    void setStrengths();
    int rowsOf(int expert) const { return rowCounts[static_cast<std::size_t>(expert)]; }

    std::size_t experts;
    std::array<std::uint16_t, trace::kMaxTopK> ids{};
    std::array<float, trace::kMaxTopK> weights{};
    std::vector<float> logits;        ///< [experts]
    std::vector<float> probabilities; ///< [experts]
    std::vector<float> predicted;     ///< [depths][experts], maximum over the rows
    std::vector<float> foreseen;      ///< [experts] of the next step's first layer
    std::vector<std::span<const float>> depthSpans;
    int depthsUsed = 0;
    std::vector<std::byte> payload;
    std::vector<expert::ExpertSupply::Want> wants;
    std::vector<int> rowCounts;  ///< [experts] rows of this layer that want it
    std::vector<float> strength; ///< [experts] largest weight
    int rows = 0;
    int topK = 1; ///< most candidates of a row
    std::vector<int> ready;
};

} // namespace moescope::simulate
