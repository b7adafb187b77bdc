#include "engine/synthesis/synthetic_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <random>
#include <stdexcept>

namespace moescope::synthesis {
namespace {

using model::TensorType;

// Scores that depend on what a token is, beside those that depend on its distance.
constexpr double kContentDeviation = 0.25;
constexpr double kLogitDeviation = 2.5;
// Mean square of silu(g) u for independent normal g and u: the integral of silu² against the normal density.
constexpr double kGatedPower = 0.3557;
constexpr std::int32_t kNormalToken = 1;
constexpr std::int32_t kUnusedToken = 5;
constexpr std::int32_t kByteToken = 6;

std::uint32_t u32(int value) {
    return static_cast<std::uint32_t>(value);
}

/// Mean sum of the squared weights of the chosen experts, for logits of this spread.
double squaredWeights(const ModelShape& shape, double spread) {
    std::mt19937_64 random(2);
    std::normal_distribution<double> normal(0, spread);
    constexpr int kSamples = 500;
    double sum = 0;
    std::vector<double> gate(static_cast<std::size_t>(shape.experts));
    for (int sample = 0; sample < kSamples; ++sample) {
        double all = 0;
        for (double& value : gate)
            all += value = std::exp(normal(random));
        std::partial_sort(gate.begin(), gate.begin() + shape.topK, gate.end(), std::greater<>());
        double chosen = 0;
        double squares = 0;
        for (int k = 0; k < shape.topK; ++k) {
            chosen += gate[static_cast<std::size_t>(k)];
            squares += gate[static_cast<std::size_t>(k)] * gate[static_cast<std::size_t>(k)];
        }
        const double whole = shape.renormalises ? chosen : all;
        sum += squares / (whole * whole);
    }
    return sum / kSamples;
}

std::uint32_t fileTypeOf(TensorType type) {
    return type == TensorType::F16 ? 1 : type == TensorType::Q4_0 ? 2 : 7;
}

std::string sizeLabel(std::int64_t parameters) {
    const double billions = static_cast<double>(parameters) / 1e9;
    return billions >= 1 ? fmt::format("{:.1f}B", billions) : fmt::format("{:.0f}M", billions * 1000);
}

} // namespace

SyntheticModel::SyntheticModel(SyntheticOrder order, const model::GgufFile& tokenizer)
    : m_order(std::move(order)), m_routing(planRouting(m_order.shape)) {
    m_plan.set("general.architecture", m_order.shape.architecture);
    borrowTokenizer(tokenizer);
    addTensors();
    describe(tokenizer);
}

void SyntheticModel::describe(const model::GgufFile& tokenizer) {
    const ModelShape& s = m_order.shape;
    const auto key = [&s](const char* part) { return s.architecture + "." + part; };
    m_plan.set("general.name", fmt::format("Synthetic {} shape", s.title))
        .set("general.size_label", sizeLabel(parameters()))
        .set("general.file_type", fileTypeOf(m_order.type))
        .set("general.quantization_version", std::uint32_t{2})
        .set("moescope.synthetic", true)
        .set("moescope.synthetic.shape", s.name)
        .set("moescope.synthetic.seed", m_order.seed)
        .set("moescope.provenance", fmt::format("random weights, made by {} with seed {}; tokenizer of {}", m_order.program,
                                                m_order.seed, std::filesystem::path(tokenizer.name()).filename().string()))
        .set(key("block_count"), u32(s.layers))
        .set(key("context_length"), u32(s.contextTokens))
        .set(key("embedding_length"), u32(s.hidden))
        .set(key("feed_forward_length"), u32(s.expertWidth))
        .set(key("attention.head_count"), u32(s.heads))
        .set(key("attention.head_count_kv"), u32(s.kvHeads))
        .set(key("attention.layer_norm_rms_epsilon"), static_cast<float>(s.rmsEpsilon))
        .set(key("rope.freq_base"), static_cast<float>(s.ropeBase))
        .set(key("expert_count"), u32(s.experts))
        .set(key("expert_used_count"), u32(s.topK))
        .set(key("vocab_size"), u32(s.vocabulary));
    if (s.architecture == "qwen3moe")
        m_plan.set(key("attention.key_length"), u32(s.headSize))
            .set(key("attention.value_length"), u32(s.headSize))
            .set(key("expert_feed_forward_length"), u32(s.expertWidth));
    else
        m_plan.set(key("rope.dimension_count"), u32(s.headSize));
}

void SyntheticModel::borrowTokenizer(const model::GgufFile& tokenizer) {
    const auto tokens = tokenizer.texts("tokenizer.ggml.tokens");
    const auto scores = tokenizer.reals("tokenizer.ggml.scores");
    const auto types = tokenizer.integers("tokenizer.ggml.token_type");
    if (tokenizer.text("tokenizer.ggml.model") != "llama" || !tokens || !scores || !types || scores->size() != tokens->size() ||
        types->size() != tokens->size())
        throw std::invalid_argument(fmt::format("The model {} has no SentencePiece vocabulary to borrow.", tokenizer.name()));
    const auto vocabulary = static_cast<std::size_t>(m_order.shape.vocabulary);
    if (tokens->size() > vocabulary)
        throw std::invalid_argument(fmt::format("The vocabulary of {} has {} tokens, more than the {} of the shape {}.",
                                                tokenizer.name(), tokens->size(), vocabulary, m_order.shape.name));
    std::vector<std::string> texts(tokens->begin(), tokens->end());
    std::vector<float> ranks(scores->begin(), scores->end());
    std::vector<std::int32_t> kinds(types->begin(), types->end());
    for (std::size_t id = texts.size(); id < vocabulary; ++id)
        texts.push_back(fmt::format("<unused_{}>", id));
    ranks.resize(vocabulary, -1e6F);
    kinds.resize(vocabulary, kUnusedToken);
    for (const std::int32_t kind : kinds)
        m_mute.push_back(kind != kNormalToken && kind != kByteToken);
    const auto& values = tokenizer.directory().values;
    for (const auto& [key, value] : std::map<std::string_view, model::GgufValue>(values.begin(), values.end()))
        if (key.starts_with("tokenizer."))
            m_plan.set(key, value);
    m_plan.set("tokenizer.ggml.tokens", texts).set("tokenizer.ggml.scores", ranks).set("tokenizer.ggml.token_type", kinds);
}

double SyntheticModel::inputDeviation(double rms) const {
    // After the norm the columns behind the anchors have a variance a little below 1, because the anchors count too.
    const double hidden = m_order.shape.hidden;
    const double behind = (rms * rms * hidden - kAnchorColumns) / (hidden - kAnchorColumns);
    return 1 / std::sqrt((hidden - kAnchorColumns) * behind / (rms * rms));
}

void SyntheticModel::add(const std::string& name, TensorType type, std::vector<std::int64_t> ne, WeightForm form) {
    m_plan.addTensor(name, type, std::move(ne));
    m_forms.push_back(std::move(form));
}

void SyntheticModel::addMatrix(const std::string& name, std::vector<std::int64_t> ne, WeightForm form) {
    add(name, m_order.type, std::move(ne), std::move(form));
}

void SyntheticModel::addNorm(const std::string& name, std::int64_t width, float value, std::optional<float> lead) {
    add(name, TensorType::F32, {width}, {0, value, lead, {}});
}

void SyntheticModel::addTensors() {
    const ModelShape& s = m_order.shape;
    addMatrix("token_embd.weight", {s.hidden, s.vocabulary}, {1, 0, 1.0F, {}});
    addNorm("output_norm.weight", s.hidden, 1);
    addMatrix("output.weight", {s.hidden, s.vocabulary},
              {kLogitDeviation * inputDeviation(m_routing.finalRms), 0, 0.0F,
               [mute = m_mute](std::int64_t row) { return mute[static_cast<std::size_t>(row)]; }});
    for (int layer = 0; layer < s.layers; ++layer)
        addLayer(layer);
}

void SyntheticModel::addLayer(int layer) {
    const std::string prefix = fmt::format("blk.{}.", layer);
    const LayerPlan& plan = m_routing.layers[static_cast<std::size_t>(layer)];
    addAttention(prefix, plan);
    addExperts(prefix, plan);
}

void SyntheticModel::addAttention(const std::string& prefix, const LayerPlan& layer) {
    const ModelShape& s = m_order.shape;
    const std::int64_t queries = std::int64_t{s.heads} * s.headSize;
    const std::int64_t keys = std::int64_t{s.kvHeads} * s.headSize;
    const double unit = inputDeviation(layer.attentionInput);
    // Every rotary pair of a query and a key is (g, g), so that a pair at the distance Δ scores 2 g² cos(θΔ) / √D.
    const double g = std::sqrt(m_routing.kernelSharpness * std::sqrt(static_cast<double>(s.headSize)) / 2);
    const WeightForm pointer{kContentDeviation * unit, 0, static_cast<float>(g / kAnchorColumns), {}};
    // The norm makes the anchors 1/rms; its weight brings them back.
    addNorm(prefix + "attn_norm.weight", s.hidden, 1, static_cast<float>(layer.attentionInput));
    addMatrix(prefix + "attn_q.weight", {s.hidden, queries}, pointer);
    addMatrix(prefix + "attn_k.weight", {s.hidden, keys}, pointer);
    if (s.architecture != "llama") {
        const auto length = static_cast<float>(std::sqrt(g * g + kContentDeviation * kContentDeviation));
        const bool perHead = s.architecture == "qwen3moe";
        addNorm(prefix + "attn_q_norm.weight", perHead ? s.headSize : queries, length);
        addNorm(prefix + "attn_k_norm.weight", perHead ? s.headSize : keys, length);
    }
    addMatrix(prefix + "attn_v.weight", {s.hidden, keys}, {unit, 0, 0.0F, {}});
    const double out = std::sqrt(layer.attentionPower / static_cast<double>(queries)) / layer.attentionGain;
    addMatrix(prefix + "attn_output.weight", {queries, s.hidden},
              {out, 0, {}, [](std::int64_t row) { return row < kAnchorColumns; }});
}

void SyntheticModel::addExperts(const std::string& prefix, const LayerPlan& layer) {
    const ModelShape& s = m_order.shape;
    const double unit = inputDeviation(layer.expertInput);
    addNorm(prefix + "ffn_norm.weight", s.hidden, 1);
    add(prefix + "ffn_gate_inp.weight", TensorType::F32, {s.hidden, s.experts}, {layer.routerSpread * unit, 0, 0.0F, {}});
    addMatrix(prefix + "ffn_gate_exps.weight", {s.hidden, s.expertWidth, s.experts}, {unit, 0, 0.0F, {}});
    addMatrix(prefix + "ffn_up_exps.weight", {s.hidden, s.expertWidth, s.experts}, {unit, 0, 0.0F, {}});
    const double power = kGatedPower * s.expertWidth * squaredWeights(s, layer.routerSpread);
    addMatrix(prefix + "ffn_down_exps.weight", {s.expertWidth, s.hidden, s.experts},
              {std::sqrt(layer.expertPower / power), 0, {}, [hidden = s.hidden](std::int64_t row) {
                   return row % hidden < kAnchorColumns;
               }});
}

std::int64_t SyntheticModel::parameters() const {
    std::int64_t sum = 0;
    for (const model::PlannedTensor& tensor : m_plan.tensors())
        sum += tensor.ne[0] * tensor.rows;
    return sum;
}

std::int64_t SyntheticModel::bytesPerToken() const {
    std::int64_t sum = 0;
    for (const model::PlannedTensor& tensor : m_plan.tensors()) {
        if (tensor.name == "token_embd.weight")
            continue;
        const bool expert = tensor.name.find("_exps.") != std::string::npos;
        sum += expert ? tensor.bytes() / m_order.shape.experts * m_order.shape.topK : tensor.bytes();
    }
    return sum;
}

bool SyntheticModel::write(const std::filesystem::path& path, int threads, const model::StreamProgress& progress) const {
    model::GgufWriter writer(path, m_plan);
    std::vector<RandomWeights> sources;
    for (std::size_t i = 0; i < m_forms.size(); ++i)
        sources.emplace_back(m_plan.tensors()[i], m_forms[i], m_order.seed);
    const model::RowSource source = [&](const model::RowRange& range, std::span<std::byte> out) {
        sources[range.tensor].fill(range, out);
    };
    return model::streamTensors(writer, threads, source, progress);
}

} // namespace moescope::synthesis
