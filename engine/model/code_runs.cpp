#include "engine/model/code_runs.h"

#include "engine/model/block_fields.h"

namespace moescope::model {
namespace {

/// 32 codes of four bits in 16 bytes, columns i and i + 16 in byte i; `high` holds a fifth bit of each, or nothing.
void splitNibbles(const std::byte* quants, std::uint32_t high, int zero, std::span<CodeRun> runs) {
    for (std::size_t i = 0; i < kRunColumns; ++i) {
        const unsigned two = byteAt(quants, i);
        const unsigned low = (two & 15U) | (high >> i & 1U) << 4U;
        const unsigned upper = two >> 4U | (high >> (i + kRunColumns) & 1U) << 4U;
        runs[0].codes[i] = static_cast<std::int8_t>(static_cast<int>(low) - zero);
        runs[1].codes[i] = static_cast<std::int8_t>(static_cast<int>(upper) - zero);
    }
}

void setBoth(std::span<CodeRun> runs, float scale, float offset) {
    for (CodeRun& run : runs) {
        run.scale = scale;
        run.offset = offset;
    }
}

std::uint32_t fifthBits(const std::byte* at) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, at, sizeof bits);
    return bits;
}

/// Half scale, 32 signed bytes.
void splitQ80(const std::byte* block, std::span<CodeRun> runs) {
    setBoth(runs, halfAt(block), -0.0F);
    for (std::size_t run = 0; run < runs.size(); ++run)
        std::memcpy(runs[run].codes.data(), block + 2 + run * kRunColumns, kRunColumns);
}

/// Half scale, nibbles with 8 to be taken off.
void splitQ40(const std::byte* block, std::span<CodeRun> runs) {
    setBoth(runs, halfAt(block), -0.0F);
    splitNibbles(block + 2, 0, 8, runs);
}

/// Half scale, half least value, nibbles.
void splitQ41(const std::byte* block, std::span<CodeRun> runs) {
    setBoth(runs, halfAt(block), halfAt(block + 2));
    splitNibbles(block + 4, 0, 0, runs);
}

/// Half scale, 32 fifth bits, nibbles, with 16 to be taken off.
void splitQ50(const std::byte* block, std::span<CodeRun> runs) {
    setBoth(runs, halfAt(block), -0.0F);
    splitNibbles(block + 6, fifthBits(block + 2), 16, runs);
}

/// Half scale, half least value, 32 fifth bits, nibbles.
void splitQ51(const std::byte* block, std::span<CodeRun> runs) {
    setBoth(runs, halfAt(block), halfAt(block + 2));
    splitNibbles(block + 8, fifthBits(block + 4), 0, runs);
}

} // namespace

void splitBlock(TensorType type, const std::byte* block, std::span<CodeRun> runs) {
    switch (type) {
    case TensorType::Q8_0:
        return splitQ80(block, runs);
    case TensorType::Q4_0:
        return splitQ40(block, runs);
    case TensorType::Q4_1:
        return splitQ41(block, runs);
    case TensorType::Q5_0:
        return splitQ50(block, runs);
    case TensorType::Q5_1:
        return splitQ51(block, runs);
    case TensorType::Q2_K:
        return splitQ2K(block, runs);
    case TensorType::Q3_K:
        return splitQ3K(block, runs);
    case TensorType::Q4_K:
        return splitQ4K(block, runs);
    case TensorType::Q5_K:
        return splitQ5K(block, runs);
    case TensorType::Q6_K:
        return splitQ6K(block, runs);
    case TensorType::IQ4_NL:
        return splitIq4Nl(block, runs);
    case TensorType::IQ4_XS:
        return splitIq4Xs(block, runs);
    case TensorType::MXFP4:
        return splitMxfp4(block, runs);
    case TensorType::F32:
    case TensorType::F16:
    case TensorType::BF16:
        return;
    }
}

} // namespace moescope::model
