#include "engine/backend/cpu/expert_slots.h"

#include <algorithm>
#include <fmt/core.h>

namespace moescope::backend {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{48} << 10U;

} // namespace

ExpertSlots::LayerLayout ExpertSlots::layoutOf(const model::GgufFile& file, const model::ModelConfig& config, int layer) {
    const auto part = [&](const char* name, int columns, int rows) {
        const auto& tensor = file.require(fmt::format("blk.{}.{}.weight", layer, name), {columns, rows, config.experts});
        return Part{&tensor, rows, columns, groupBytes(tensor.type, columns), 0};
    };
    LayerLayout layout;
    layout.parts = {part("ffn_gate_exps", config.hidden, config.expertWidth),
                    part("ffn_up_exps", config.hidden, config.expertWidth),
                    part("ffn_down_exps", config.expertWidth, config.hidden)};
    for (Part& each : layout.parts) {
        each.offset = layout.bytes;
        layout.bytes += each.group * static_cast<std::size_t>(each.groups());
        layout.groups += each.groups();
    }
    layout.blocks = std::clamp(static_cast<int>((layout.bytes + kBlockBytes / 2) / kBlockBytes), 1, layout.groups);
    return layout;
}

ExpertSlots::ExpertSlots(const model::GgufFile& file, const model::ModelConfig& config) {
    for (int layer = 0; layer < config.layers; ++layer) {
        m_layers.push_back(layoutOf(file, config, layer));
        m_slotBytes = std::max(m_slotBytes, m_layers.back().bytes);
        for (const Part& part : m_layers.back().parts)
            m_mostGroupBytes = std::max(m_mostGroupBytes, part.group);
    }
    m_region = MemoryRegion(m_slotBytes * static_cast<std::size_t>(config.layers) * static_cast<std::size_t>(config.experts));
}

std::int64_t ExpertSlots::expertBytes(trace::ExpertKey key) const {
    std::int64_t bytes = 0;
    for (const Part& part : layout(key.layer.value).parts)
        bytes += part.tensor->rowBytes() * part.rows;
    return bytes;
}

int ExpertSlots::blocks(int layer) const {
    return layout(layer).blocks;
}

std::int64_t ExpertSlots::load(trace::ExpertKey key, int slot, int block) {
    const LayerLayout& layers = layout(key.layer.value);
    int begin = layers.groups * block / layers.blocks;
    int end = layers.groups * (block + 1) / layers.blocks;
    std::int64_t moved = 0;
    for (std::size_t at = 0; at < layers.parts.size(); ++at) {
        const Part& part = layers.parts[at];
        std::byte* target = m_region.data() + slotOffset(slot) + part.offset;
        for (int group = std::max(begin, 0); group < std::min(end, part.groups()); ++group) {
            pack(key, at, group, target + static_cast<std::size_t>(group) * part.group);
            moved += std::min(kGroupRows, part.rows - group * kGroupRows) * part.tensor->rowBytes();
        }
        begin -= part.groups();
        end -= part.groups();
    }
    return moved;
}

void ExpertSlots::pack(trace::ExpertKey key, std::size_t at, int group, std::byte* out) const {
    const Part& part = layout(key.layer.value).parts[at];
    const std::int64_t rowBytes = part.tensor->rowBytes();
    const int first = group * kGroupRows;
    packGroup(part.tensor->type, part.tensor->data + rowBytes * (std::int64_t{part.rows} * key.expert.value + first), rowBytes,
              std::min(kGroupRows, part.rows - first), part.columns, out);
}

PackedMatrix ExpertSlots::scratch(int layer, std::size_t part, const std::byte* out) const {
    const Part& which = layout(layer).parts[part];
    return {which.tensor->type, which.rows, which.columns, 0, out};
}

void ExpertSlots::reserve(int count) {
    for (int slot = count; slot < m_count; ++slot)
        freeSlot(slot);
    m_count = count;
}

void ExpertSlots::freeSlot(int slot) {
    m_region.release(slotOffset(slot), m_slotBytes);
}

PackedMatrix ExpertSlots::matrix(int layer, int slot, std::size_t part) const {
    const Part& which = layout(layer).parts[part];
    return {which.tensor->type, which.rows, which.columns, which.group, m_region.data() + slotOffset(slot) + which.offset};
}

} // namespace moescope::backend
