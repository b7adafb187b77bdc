#include "engine/backend/cpu/dense_weights.h"

#include <algorithm>
#include <fmt/core.h>

namespace moescope::backend {
namespace {

std::vector<float> floats(const model::TensorView& tensor) {
    std::vector<float> values(static_cast<std::size_t>(tensor.ne[0]));
    model::dequantise(tensor.type, tensor.data, values);
    return values;
}

/// First counts the bytes of all matrices, then packs them into one region.
class Packer {
public:
    void add(const model::TensorView& tensor, PackedMatrix& target) {
        const auto columns = static_cast<int>(tensor.ne[0]);
        target = {tensor.type, static_cast<int>(tensor.ne[1]), columns, groupBytes(tensor.type, columns), nullptr};
        m_orders.push_back({&tensor, &target, m_bytes});
        m_bytes += target.stride * static_cast<std::size_t>(target.groups());
    }

    MemoryRegion pack() const {
        MemoryRegion region(m_bytes);
        for (const Order& order : m_orders) {
            std::byte* out = region.data() + order.offset;
            order.target->data = out;
            for (int first = 0; first < order.target->rows; first += kGroupRows, out += order.target->stride)
                packGroup(order.tensor->type, order.tensor->row(first), order.tensor->rowBytes(),
                          std::min(kGroupRows, order.target->rows - first), order.target->columns, out);
        }
        return region;
    }

private:
    struct Order {
        const model::TensorView* tensor;
        PackedMatrix* target;
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
    Packer packer;
    for (int index = 0; index < config.layers; ++index) {
        Layer& layer = m_layers[static_cast<std::size_t>(index)];
        const auto named = [index](const char* part) { return fmt::format("blk.{}.{}.weight", index, part); };
        layer.attentionNorm = floats(file.require(named("attn_norm"), {hidden}));
        layer.expertNorm = floats(file.require(named("ffn_norm"), {hidden}));
        packer.add(file.require(named("attn_q"), {hidden, queries}), layer.query);
        packer.add(file.require(named("attn_k"), {hidden, keys}), layer.key);
        packer.add(file.require(named("attn_v"), {hidden, keys}), layer.value);
        packer.add(file.require(named("attn_output"), {queries, hidden}), layer.output);
        packer.add(file.require(named("ffn_gate_inp"), {hidden, config.experts}), layer.router);
    }
    m_finalNorm = floats(file.require("output_norm.weight", {hidden}));
    const bool tied = file.find("output.weight") == nullptr;
    packer.add(file.require(tied ? "token_embd.weight" : "output.weight", {hidden, config.vocabulary}), m_head);
    m_region = packer.pack();
}

} // namespace moescope::backend
