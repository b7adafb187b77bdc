#pragma once
#include "engine/model/gguf_file.h"
#include "engine/synthesis/random_weights.h"
#include "engine/synthesis/routing_plan.h"

#include <memory>

namespace moescope::synthesis {

/// What kind of model shall be made up.
struct SyntheticOrder {
    ModelShape shape;                                 ///< layers may be fewer than published, for tests
    model::TensorType type = model::TensorType::Q4_0; ///< of every matrix: Q4_0, Q8_0 or F16
    std::uint64_t seed = 1;
    std::string program; ///< "moescope-engine 0.1.0", for the provenance
};

/// A model file with the exact shape of a published model and random weights: every tensor, metadata that says that it is
/// synthetic (moescope.synthetic), and a tokenizer that works, borrowed from a real model and filled up with unused tokens.
/// Its answers are noise; its sizes, its speed and the statistics of its routing are what it is for (how the routing is
/// made: routing_plan.h). Control and unused tokens have output rows of zeros, so that an answer never ends by chance.
/// Activations stay finite by construction: every matrix is scaled to the variance that the plan gives its output.
class SyntheticModel {
public:
    /// `tokenizer` holds an SPM vocabulary no larger than the shape's. Throws std::invalid_argument with one sentence.
    SyntheticModel(SyntheticOrder order, const model::GgufFile& tokenizer);

    const model::GgufPlan& plan() const { return m_plan; }
    const RoutingPlan& routing() const { return m_routing; }
    std::int64_t parameters() const;
    /// Bytes of the matrices that one decoded token reads: everything but the embedding and the idle experts.
    std::int64_t bytesPerToken() const;

    /// See model::streamTensors. The same file for every number of threads.
    bool write(const std::filesystem::path& path, int threads, const model::StreamProgress& progress) const;

private:
    void describe(const model::GgufFile& tokenizer);
    void borrowTokenizer(const model::GgufFile& tokenizer);
    void addTensors();
    void addLayer(int layer);
    void addAttention(const std::string& prefix, const LayerPlan& layer);
    void addExperts(const std::string& prefix, const LayerPlan& layer);
    void add(const std::string& name, model::TensorType type, std::vector<std::int64_t> ne, WeightForm form);
    void addMatrix(const std::string& name, std::vector<std::int64_t> ne, WeightForm form);
    void addNorm(const std::string& name, std::int64_t width, float value, std::optional<float> lead = {});
    double inputDeviation(double rms) const;

    SyntheticOrder m_order;
    RoutingPlan m_routing;
    std::vector<bool> m_mute; ///< [vocabulary] tokens that are never the answer
    model::GgufPlan m_plan;
    std::vector<WeightForm> m_forms; ///< of the plan's tensors
};

} // namespace moescope::synthesis
