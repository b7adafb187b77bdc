#pragma once
#include "engine/calibrate/products.h"
#include "engine/model/model_config.h"

#include <span>
#include <vector>

namespace moescope::calibrate {

/// Bytes of the whole model as plain numbers of this size.
std::int64_t plainBytes(const model::GgufFile& file, int bytesPerNumber);

/// A model's weights as plain numbers, dequantised from its GGUF file. Attention, router and output are always held; experts
/// are held if keepExperts, else dequantised whenever they are asked for, so that models beyond the memory can be measured by
/// forward passes. Owned by whoever calibrates; one thread. file and config must outlive it.
template <class Real>
class Weights {
public:
    struct Dense {
        std::vector<Real> attentionNorm; ///< [E]
        std::vector<Real> query;         ///< [H*D x E]
        std::vector<Real> key;           ///< [K*D x E]
        std::vector<Real> value;         ///< [K*D x E]
        std::vector<Real> attentionOut;  ///< [E x H*D]
        std::vector<Real> expertNorm;    ///< [E]
        std::vector<Real> router;        ///< [N x E]
    };
    struct Expert {
        const Real* gate = nullptr; ///< [F x E]
        const Real* up = nullptr;   ///< [F x E]
        const Real* down = nullptr; ///< [E x F]
    };

    /// The file must have passed model::readModelConfig.
    Weights(const model::GgufFile& file, const model::ModelConfig& config, bool keepExperts);

    const model::ModelConfig& config() const { return m_config; }
    const Dense& dense(int layer) const { return m_dense[static_cast<std::size_t>(layer)]; }
    /// Valid until the next call when experts are not kept.
    Expert expert(int layer, int expert);
    std::span<const Real> embedding(int token) const;                                              ///< [E]
    std::span<const Real> outputNorm() const { return m_outputNorm; }                              ///< [E]
    const Real* output() const { return m_output.empty() ? m_embedding.data() : m_output.data(); } ///< [V x E]

private:
    std::vector<Real> read(std::string_view tensor) const;
    Expert viewOf(const std::vector<Real>& numbers) const;
    void readExpert(int layer, int expert, std::vector<Real>& numbers);

    const model::GgufFile& m_file;
    const model::ModelConfig& m_config;
    std::vector<Real> m_embedding;
    std::vector<Real> m_outputNorm;
    std::vector<Real> m_output; ///< empty when the embedding serves as output
    std::vector<Dense> m_dense;
    std::vector<std::vector<Real>> m_experts; ///< [layers * experts], gate, up and down in one; empty when not kept
    std::vector<Real> m_scratch;
};

extern template class Weights<float>;
extern template class Weights<double>;

} // namespace moescope::calibrate
