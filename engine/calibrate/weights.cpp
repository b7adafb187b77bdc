#include "engine/calibrate/weights.h"

#include <fmt/format.h>

namespace moescope::calibrate {
namespace {

template <class Real>
void decode(const model::TensorView& view, Real* out) {
    const auto width = static_cast<std::size_t>(view.ne[0]);
    std::vector<float> row(width);
    const std::int64_t rows = view.ne[1] * view.ne[2] * view.ne[3];
    for (std::int64_t index = 0; index < rows; ++index, out += width) {
        model::dequantise(view.type, view.row(index), row);
        std::copy(row.begin(), row.end(), out);
    }
}

} // namespace

std::int64_t plainBytes(const model::GgufFile& file, int bytesPerNumber) {
    std::int64_t numbers = 0;
    for (const model::TensorView& tensor : file.tensors())
        numbers += tensor.ne[0] * tensor.ne[1] * tensor.ne[2] * tensor.ne[3];
    return numbers * bytesPerNumber;
}

template <class Real>
Weights<Real>::Weights(const model::GgufFile& file, const model::ModelConfig& config, bool keepExperts)
    : m_file(file), m_config(config), m_embedding(read("token_embd.weight")), m_outputNorm(read("output_norm.weight")) {
    if (file.find("output.weight"))
        m_output = read("output.weight");
    for (int layer = 0; layer < config.layers; ++layer) {
        const auto part = [&](std::string_view name) { return read(fmt::format("blk.{}.{}.weight", layer, name)); };
        m_dense.push_back({.attentionNorm = part("attn_norm"),
                           .query = part("attn_q"),
                           .key = part("attn_k"),
                           .value = part("attn_v"),
                           .attentionOut = part("attn_output"),
                           .expertNorm = part("ffn_norm"),
                           .router = part("ffn_gate_inp")});
        for (int expert = 0; keepExperts && expert < config.experts; ++expert)
            readExpert(layer, expert, m_experts.emplace_back());
    }
}

template <class Real>
std::vector<Real> Weights<Real>::read(std::string_view tensor) const {
    const model::TensorView& view = *m_file.find(tensor);
    std::vector<Real> numbers(static_cast<std::size_t>(view.ne[0] * view.ne[1] * view.ne[2] * view.ne[3]));
    decode(view, numbers.data());
    return numbers;
}

template <class Real>
void Weights<Real>::readExpert(int layer, int expert, std::vector<Real>& numbers) {
    const auto each = static_cast<std::size_t>(m_config.hidden) * static_cast<std::size_t>(m_config.expertWidth);
    numbers.resize(3 * each);
    Real* out = numbers.data();
    for (const char* part : {"ffn_gate_exps", "ffn_up_exps", "ffn_down_exps"}) {
        decode(m_file.find(fmt::format("blk.{}.{}.weight", layer, part))->slice(expert), out);
        out += each;
    }
}

template <class Real>
typename Weights<Real>::Expert Weights<Real>::viewOf(const std::vector<Real>& numbers) const {
    const std::size_t each = numbers.size() / 3;
    return {.gate = numbers.data(), .up = numbers.data() + each, .down = numbers.data() + 2 * each};
}

template <class Real>
typename Weights<Real>::Expert Weights<Real>::expert(int layer, int expert) {
    if (!m_experts.empty())
        return viewOf(m_experts[static_cast<std::size_t>(layer * m_config.experts + expert)]);
    readExpert(layer, expert, m_scratch);
    return viewOf(m_scratch);
}

template <class Real>
std::span<const Real> Weights<Real>::embedding(int token) const {
    const auto width = static_cast<std::size_t>(m_config.hidden);
    return std::span(m_embedding).subspan(static_cast<std::size_t>(token) * width, width);
}

template class Weights<float>;
template class Weights<double>;

} // namespace moescope::calibrate
