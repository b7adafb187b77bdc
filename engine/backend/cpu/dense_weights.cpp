#include "engine/backend/cpu/dense_weights.h"

#include "engine/model/dense_tensors.h"

#include <algorithm>

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
    const model::DenseTensors tensors = model::denseTensors(file, config);
    Packer packer;
    for (std::size_t i = 0; i < m_layers.size(); ++i) {
        const model::DenseTensors::Layer& from = tensors.layers[i];
        Layer& layer = m_layers[i];
        layer.attentionNorm = floats(*from.attentionNorm);
        layer.expertNorm = floats(*from.expertNorm);
        packer.add(*from.query, layer.query);
        packer.add(*from.key, layer.key);
        packer.add(*from.value, layer.value);
        packer.add(*from.output, layer.output);
        packer.add(*from.router, layer.router);
    }
    m_finalNorm = floats(*tensors.finalNorm);
    packer.add(*tensors.head, m_head);
    m_region = packer.pack();
}

} // namespace moescope::backend
