#include "engine/backend/cuda/host_experts.h"

#include <algorithm>
#include <atomic>
#include <fmt/core.h>
#include <stdexcept>
#include <thread>

namespace moescope::backend::cuda {
namespace {

// A copy of 1 MiB reaches 88 % of the link's rate on PCIe 5, one of 4 MiB nearly all of it; a guess can be stopped only
// between blocks. So small experts are cut into blocks of 1 MiB, large ones into 4 MiB (75 us at 54 GB/s).
constexpr std::size_t kSmallBlock = std::size_t{1} << 20U;
constexpr std::size_t kLargeBlock = std::size_t{4} << 20U;
constexpr std::size_t kBlocksWanted = 8;

} // namespace

HostExperts::Layer HostExperts::layoutOf(const model::GgufFile& file, const model::ModelConfig& config, int index) {
    const auto part = [&](const char* name, int columns, int rows) {
        const auto& tensor = file.require(fmt::format("blk.{}.{}.weight", index, name), {columns, rows, config.experts});
        return Part{&tensor, {tensor.type, rows, columns, rowBytes(tensor.type, columns), nullptr}, 0};
    };
    Layer layer;
    layer.parts = {part("ffn_gate_exps", config.hidden, config.expertWidth),
                   part("ffn_up_exps", config.hidden, config.expertWidth),
                   part("ffn_down_exps", config.expertWidth, config.hidden)};
    if (layer.parts[0].matrix.type != layer.parts[1].matrix.type)
        throw std::runtime_error(
            fmt::format("{}: gate and up projections of layer {} are stored in different formats, which the "
                        "CUDA backend does not compute; --backend cpu does.",
                        file.name(), index));
    for (Part& each : layer.parts) {
        each.offset = layer.bytes;
        layer.bytes += each.matrix.bytes();
        layer.rows += each.matrix.rows;
    }
    const std::size_t block = std::clamp(layer.bytes / kBlocksWanted, kSmallBlock, kLargeBlock);
    layer.blocks = std::clamp(static_cast<int>((layer.bytes + block / 2) / block), 1, layer.rows);
    const int needed = layer.parts[0].matrix.rows + layer.parts[1].matrix.rows;
    while (layer.firstBlocks < layer.blocks && rowOfBlock(layer, layer.firstBlocks) < needed)
        ++layer.firstBlocks;
    return layer;
}

/// The first row of a block, over all three parts.
int HostExperts::rowOfBlock(const Layer& layer, int block) {
    return static_cast<int>(std::int64_t{layer.rows} * block / layer.blocks);
}

HostExperts::HostExperts(const model::GgufFile& file, const model::ModelConfig& config, HostMemory memory, int threads)
    : m_experts(config.experts), m_memory(memory) {
    for (int index = 0; index < config.layers; ++index) {
        m_layers.push_back(layoutOf(file, config, index));
        m_mostBytes = std::max(m_mostBytes, m_layers.back().bytes);
        for (int at = 0; at < m_layers.back().blocks; ++at)
            m_mostBlock = std::max(m_mostBlock, block(index, at).bytes);
        const std::size_t bytes = m_layers.back().bytes * static_cast<std::size_t>(config.experts);
        if (memory == HostMemory::Pinned)
            m_pinned.emplace_back(MemoryKind::Pinned, bytes);
        if (memory == HostMemory::Pageable)
            m_pageable.emplace_back(bytes);
    }
    if (memory != HostMemory::Mapped)
        packAll(threads);
}

void HostExperts::packAll(int threads) {
    std::atomic<int> next = 0;
    const int all = static_cast<int>(m_layers.size()) * m_experts;
    const auto pack = [&] {
        for (int at = next.fetch_add(1); at < all; at = next.fetch_add(1)) {
            const auto key = trace::expertKey(at / m_experts, at % m_experts);
            auto* out = const_cast<std::byte*>(stored(key));
            for (int block = 0; block < layer(key.layer.value).blocks; ++block)
                packBlock(key, block, out + this->block(key.layer.value, block).offset);
        }
    };
    std::vector<std::jthread> packers;
    for (int i = 1; i < threads; ++i)
        packers.emplace_back(pack);
    pack();
}

std::size_t HostExperts::offsetOfRow(const Layer& layer, int row) {
    std::size_t offset = 0;
    for (const Part& part : layer.parts) {
        const int within = std::min(row, part.matrix.rows);
        offset += static_cast<std::size_t>(within) * part.matrix.rowBytes;
        row -= within;
    }
    return offset;
}

HostExperts::Range HostExperts::block(int index, int block) const {
    const Layer& which = layer(index);
    const std::size_t begin = offsetOfRow(which, rowOfBlock(which, block));
    return {begin, offsetOfRow(which, rowOfBlock(which, block + 1)) - begin};
}

const std::byte* HostExperts::stored(trace::ExpertKey key) const {
    const auto index = static_cast<std::size_t>(key.layer.value);
    const std::size_t offset = m_layers[index].bytes * static_cast<std::size_t>(key.expert.value);
    if (m_memory == HostMemory::Mapped)
        return nullptr;
    return (m_memory == HostMemory::Pinned ? m_pinned[index].data() : m_pageable[index].data()) + offset;
}

const std::byte* HostExperts::row(trace::ExpertKey key, std::size_t which, int row, std::vector<std::byte>& scratch) const {
    const Part& part = layer(key.layer.value).parts[which];
    if (const std::byte* packed = stored(key))
        return packed + part.offset + part.matrix.rowBytes * static_cast<std::size_t>(row);
    scratch.resize(part.matrix.rowBytes);
    packRows(part.matrix.type, part.tensor->row(std::int64_t{part.matrix.rows} * key.expert.value + row), 1,
             part.matrix.columns, scratch.data());
    return scratch.data();
}

void HostExperts::packBlock(trace::ExpertKey key, int block, std::byte* out) const {
    const Layer& which = layer(key.layer.value);
    int begin = rowOfBlock(which, block);
    int end = rowOfBlock(which, block + 1);
    for (const Part& part : which.parts) {
        const int first = std::clamp(begin, 0, part.matrix.rows);
        const int rows = std::clamp(end, 0, part.matrix.rows) - first;
        const std::int64_t fileRow = std::int64_t{part.matrix.rows} * key.expert.value + first;
        if (rows > 0)
            packRows(part.matrix.type, part.tensor->data + part.tensor->rowBytes() * fileRow, rows, part.matrix.columns, out);
        out += static_cast<std::size_t>(rows) * part.matrix.rowBytes;
        begin -= part.matrix.rows;
        end -= part.matrix.rows;
    }
}

} // namespace moescope::backend::cuda
