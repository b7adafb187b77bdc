#include "engine/backend/cuda/dense_weights.h"

#include "engine/backend/cuda/gpu_error.h"
#include "engine/model/dense_tensors.h"

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
    const model::DenseTensors tensors = model::denseTensors(file, config);
    Uploader uploader;
    for (std::size_t i = 0; i < m_layers.size(); ++i) {
        const model::DenseTensors::Layer& from = tensors.layers[i];
        Layer& layer = m_layers[i];
        uploader.addFloats(*from.attentionNorm, layer.attentionNorm);
        uploader.addFloats(*from.expertNorm, layer.expertNorm);
        uploader.add(*from.query, layer.query);
        uploader.add(*from.key, layer.key);
        uploader.add(*from.value, layer.value);
        uploader.add(*from.output, layer.output);
        uploader.add(*from.router, layer.router);
    }
    uploader.addFloats(*tensors.finalNorm, m_finalNorm);
    uploader.add(*tensors.head, m_head);
    m_memory = uploader.upload();
}

} // namespace moescope::backend::cuda
