#include "engine/backend/cuda/dense_weights.h"

#include "engine/backend/cuda/gpu_error.h"

#include <fmt/core.h>

namespace moescope::backend::cuda {
namespace {

constexpr std::size_t kAlignment = 256;

/// First counts the bytes of all tensors, then packs them and sends them into one allocation.
class Uploader {
public:
    void add(const model::TensorView& tensor, DeviceMatrix& target) {
        const auto columns = static_cast<int>(tensor.ne[0]);
        target = {tensor.type, static_cast<int>(tensor.ne[1]), columns, rowBytes(tensor.type, columns), nullptr};
        m_orders.push_back({&tensor, &target, nullptr, m_bytes});
        m_bytes += (target.bytes() + kAlignment - 1) / kAlignment * kAlignment;
    }
    void addFloats(const model::TensorView& tensor, const float*& target) {
        m_orders.push_back({&tensor, nullptr, &target, m_bytes});
        m_bytes += (static_cast<std::size_t>(tensor.ne[0]) * sizeof(float) + kAlignment - 1) / kAlignment * kAlignment;
    }

    GpuMemory upload() const {
        GpuMemory memory(MemoryKind::Device, m_bytes);
        std::vector<std::byte> packed;
        for (const Order& order : m_orders) {
            std::byte* out = memory.data() + order.offset;
            if (order.matrix != nullptr) {
                packed.resize(order.matrix->bytes());
                packRows(order.tensor->type, order.tensor->data, order.matrix->rows, order.matrix->columns, packed.data());
                order.matrix->data = out;
            } else {
                const auto count = static_cast<std::size_t>(order.tensor->ne[0]);
                packed.resize(count * sizeof(float));
                model::dequantise(order.tensor->type, order.tensor->data, {reinterpret_cast<float*>(packed.data()), count});
                *order.floats = reinterpret_cast<const float*>(out);
            }
            check(cudaMemcpy(out, packed.data(), packed.size(), cudaMemcpyHostToDevice), "take the dense weights");
        }
        return memory;
    }

private:
    struct Order {
        const model::TensorView* tensor;
        DeviceMatrix* matrix; ///< or
        const float** floats;
        std::size_t offset;
    };
    std::vector<Order> m_orders;
    std::size_t m_bytes = 0;
};

} // namespace

DenseWeights::DenseWeights(const model::GgufFile& file, const model::ModelConfig& config)
    : m_layers(static_cast<std::size_t>(config.layers)) {
    const std::int64_t hidden = config.hidden;
    const std::int64_t queries = std::int64_t{config.heads} * config.headSize;
    const std::int64_t keys = std::int64_t{config.kvHeads} * config.headSize;
    Uploader uploader;
    for (int index = 0; index < config.layers; ++index) {
        Layer& layer = m_layers[static_cast<std::size_t>(index)];
        const auto named = [index](const char* part) { return fmt::format("blk.{}.{}.weight", index, part); };
        uploader.addFloats(file.require(named("attn_norm"), {hidden}), layer.attentionNorm);
        uploader.addFloats(file.require(named("ffn_norm"), {hidden}), layer.expertNorm);
        uploader.add(file.require(named("attn_q"), {hidden, queries}), layer.query);
        uploader.add(file.require(named("attn_k"), {hidden, keys}), layer.key);
        uploader.add(file.require(named("attn_v"), {hidden, keys}), layer.value);
        uploader.add(file.require(named("attn_output"), {queries, hidden}), layer.output);
        uploader.add(file.require(named("ffn_gate_inp"), {hidden, config.experts}), layer.router);
    }
    uploader.addFloats(file.require("output_norm.weight", {hidden}), m_finalNorm);
    const bool tied = file.find("output.weight") == nullptr;
    uploader.add(file.require(tied ? "token_embd.weight" : "output.weight", {hidden, config.vocabulary}), m_head);
    m_memory = uploader.upload();
}

} // namespace moescope::backend::cuda
