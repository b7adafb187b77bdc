#include "engine/backend/cpu/k_quant_layout.h"

#include "engine/model/code_runs.h"

#include <cstring>

namespace moescope::backend {
namespace {

using model::TensorType;

constexpr std::size_t kRows = 16;
constexpr std::size_t kScaleBytes = 2;

void packQuads(const std::byte* from, int quads, int lane, std::byte* out) {
    for (int quad = 0; quad < quads; ++quad)
        std::memcpy(out + quad * kQuadBytes + lane * 4, from + quad * 4, 4);
}

/// Q4_K and Q5_K begin alike.
template <class Layout>
void packScalesAndLeasts(const std::byte* block, int lane, std::byte* out) {
    for (int part = 0; part < 8; ++part) {
        const model::ScaleAndLeast both = model::scaleAndLeast(block + 4, part);
        out[Layout::kScales + part * 16 + lane] = static_cast<std::byte>(both.scale);
        out[Layout::kLeasts + part * 16 + lane] = static_cast<std::byte>(both.least);
    }
}

void packBlock(Q4KLayout, const std::byte* block, int lane, std::byte* out) {
    packQuads(block + 16, 32, lane, out);
    packScalesAndLeasts<Q4KLayout>(block, lane, out);
}

void packBlock(Q5KLayout, const std::byte* block, int lane, std::byte* out) {
    packQuads(block + 48, 32, lane, out);
    packQuads(block + 16, 8, lane, out + Q5KLayout::kHighs);
    packScalesAndLeasts<Q5KLayout>(block, lane, out);
}

void packBlock(Q6KLayout, const std::byte* block, int lane, std::byte* out) {
    packQuads(block, 32, lane, out);
    packQuads(block + 128, 16, lane, out + Q6KLayout::kHighs);
    for (int run = 0; run < 16; ++run)
        out[Q6KLayout::kScales + run * 16 + lane] = block[192 + run];
}

/// Half-precision scales lie together: at the block's beginning, or at the end of Q6_K's.
template <class Layout>
void packRow(const std::byte* row, int lane, int columns, std::byte* out) {
    const auto blockBytes = static_cast<std::size_t>(model::typeTraits(Layout::kType).blockBytes);
    const int blocks = columns / kSuperColumns;
    std::byte* halves = out + blocks * Layout::kBytes + static_cast<std::size_t>(lane) * kScaleBytes;
    const std::size_t at = Layout::kHalves == 2 ? 0 : blockBytes - kScaleBytes;
    for (int block = 0; block < blocks; ++block, row += blockBytes, out += Layout::kBytes) {
        packBlock(Layout{}, row, lane, out);
        for (std::size_t half = 0; half < Layout::kHalves; ++half, halves += kRows * kScaleBytes)
            std::memcpy(halves, row + at + half * kScaleBytes, kScaleBytes);
    }
}

template <class Layout>
std::size_t groupBytesOf(int columns) {
    return static_cast<std::size_t>(columns / kSuperColumns) * (Layout::kBytes + Layout::kHalves * kRows * kScaleBytes);
}

} // namespace

std::size_t groupBytesOfKQuant(TensorType type, int columns) {
    if (type == TensorType::Q4_K)
        return groupBytesOf<Q4KLayout>(columns);
    return type == TensorType::Q5_K ? groupBytesOf<Q5KLayout>(columns) : groupBytesOf<Q6KLayout>(columns);
}

void packKQuantRow(TensorType type, const std::byte* row, int lane, int columns, std::byte* out) {
    if (type == TensorType::Q4_K)
        packRow<Q4KLayout>(row, lane, columns, out);
    else if (type == TensorType::Q5_K)
        packRow<Q5KLayout>(row, lane, columns, out);
    else
        packRow<Q6KLayout>(row, lane, columns, out);
}

} // namespace moescope::backend
