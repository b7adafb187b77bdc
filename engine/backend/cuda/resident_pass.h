#pragma once
#include "engine/backend/backend.h"
#include "engine/backend/cuda/device_memory.h"
#include "engine/backend/cuda/kernels.h"
#include "engine/backend/cuda/stream.h"
#include "engine/model/model_config.h"

#include <vector>

namespace moescope::backend::cuda {

/// What a token needs to go down all layers without the host: where each expert lies, what the device chose, and how far it
/// has come. Owned by the CUDA backend; engine thread.
class ResidentPass {
public:
    enum class Stage { Attention, Experts };

    explicit ResidentPass(const model::ModelConfig& config);

    /// Takes the routing over; the stream brings the slots to the device if they are not those of last time. number: what
    /// the device will write into the marks; number and marks are compared, so no two passes in a row may have the same.
    void begin(const ResidentRouting& routing, std::uint32_t number, const Stream& stream);
    /// Routers asked at a layer: its own and those ahead.
    int targets(int layer) const;

    /// With deviceNumber, where the device finds the pass's number.
    Mark mark(int layer, Stage stage, const std::uint32_t* deviceNumber) const;
    ChooseCall choice(int layer, const std::uint32_t* deviceNumber) const;
    float* logits(int target) const { return m_logits.data() + static_cast<std::ptrdiff_t>(target) * m_experts; }
    const std::int32_t* chosen() const { return m_chosen.data(); }
    const float* weights() const { return m_weights.data(); }

    /// Waits until the device has come past a stage. Throws GpuError if it failed on the way.
    void await(int layer, Stage stage, const Stream& stream) const;
    /// Waits for a router's output, [experts], of a layer.
    void copyTold(int layer, int target, const Stream& stream, std::span<float> logits) const;

private:
    static constexpr int kStages = 2;
    std::size_t toldAt(int layer, int target) const;
    template <class Arrived>
    void await(const Stream& stream, const Arrived& arrived) const;
    std::uint32_t* word(int layer, Stage stage) const { return m_marks.data() + layer * kStages + static_cast<int>(stage); }

    int m_layers;
    int m_experts;
    int m_topK;
    policy::RouterRule m_rule;
    int m_depths = 0;
    std::uint32_t m_number = 0;
    std::vector<int> m_known;           ///< slots that the device has
    DeviceArray<std::int32_t> m_slots;  ///< [layers][experts]
    DeviceArray<float> m_logits;        ///< [targets][experts] of the layer that is running
    DeviceArray<std::int32_t> m_chosen; ///< [topK]
    DeviceArray<float> m_weights;       ///< [topK]
    PinnedArray<std::int32_t> m_sent;   ///< m_known on its way
    PinnedArray<Told> m_told;           ///< [layers][targets][experts]
    PinnedArray<std::uint32_t> m_marks; ///< [layers][stages]
};

} // namespace moescope::backend::cuda
