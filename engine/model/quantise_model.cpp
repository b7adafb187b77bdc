#include "engine/model/quantise_model.h"

#include "engine/model/model_error.h"
#include "engine/model/quantise.h"

#include <fmt/format.h>

#include <cstring>

namespace moescope::model {
namespace {

/// llama.cpp's numbers for general.file_type.
std::uint32_t fileTypeOf(TensorType type) {
    switch (type) {
    case TensorType::F32:
        return 0;
    case TensorType::F16:
        return 1;
    case TensorType::Q4_0:
        return 2;
    case TensorType::Q8_0:
        return 7;
    case TensorType::BF16:
        return 32;
    default:
        return 0;
    }
}

constexpr std::uint32_t kQuantisationVersion = 2;

void encodeRange(const GgufFile& file, const TensorView& from, const PlannedTensor& to, const RowRange& range,
                 std::span<std::byte> out) {
    const std::byte* source = from.row(range.first);
    if (from.type == to.type) {
        std::memcpy(out.data(), source, out.size());
        return;
    }
    std::vector<float> row(static_cast<std::size_t>(from.ne[0]));
    for (std::int64_t r = 0; r < range.rows; ++r) {
        dequantise(from.type, source + r * from.rowBytes(), row);
        if (!quantise(to.type, row, out.data() + r * to.rowBytes))
            refuse(file.name(), fmt::format("tensor {} holds a value that is not finite or too large for {}",
                                            quotedName(from.name), typeTraits(to.type).name));
    }
}

} // namespace

TensorType quantisedType(const TensorView& tensor, TensorType wanted) {
    if (tensor.dims < 2 || tensor.name.find("ffn_gate_inp") != std::string_view::npos ||
        tensor.name.find("_norm.") != std::string_view::npos)
        return tensor.type;
    const TensorType type = wanted == TensorType::Q4_0 && tensor.name == "output.weight" ? TensorType::Q8_0 : wanted;
    return tensor.ne[0] % typeTraits(type).blockElements == 0 ? type : tensor.type;
}

GgufPlan planQuantised(const GgufFile& file, const QuantisePlan& plan) {
    GgufPlan target;
    target.copyMetadata(file);
    target.set("general.file_type", fileTypeOf(plan.type)).set("general.quantization_version", kQuantisationVersion);
    if (!plan.origin.empty())
        target.set("moescope.provenance", plan.origin);
    for (const TensorView& tensor : file.tensors())
        target.addTensor(tensor.name, quantisedType(tensor, plan.type),
                         std::vector<std::int64_t>(tensor.ne.begin(), tensor.ne.begin() + std::max(1, tensor.dims)));
    return target;
}

bool quantiseModel(const GgufFile& file, const std::filesystem::path& path, const QuantisePlan& plan,
                   const StreamProgress& progress) {
    GgufWriter writer(path, planQuantised(file, plan));
    const RowSource source = [&](const RowRange& range, std::span<std::byte> out) {
        encodeRange(file, file.tensors()[range.tensor], writer.plan().tensors()[range.tensor], range, out);
    };
    return streamTensors(writer, plan.threads, source, progress);
}

} // namespace moescope::model
