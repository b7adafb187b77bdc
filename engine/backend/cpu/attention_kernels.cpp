#include "engine/backend/cpu/attention_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/backend/cpu/attention_kernels.cpp"
#include <hwy/foreach_target.h>
// Highway wants its own headers after foreach_target.
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include "engine/backend/cpu/lane_sum-inl.h"

HWY_BEFORE_NAMESPACE();
namespace moescope::backend::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

constexpr float kMasked = -1e30F; // far below any score; its exponential is exactly zero

void rotatePairsKernel(float* x, const float* cosines, const float* sines, int size) {
    const hn::CappedTag<float, kLaneCount> d;
    const auto lanes = static_cast<int>(hn::Lanes(d));
    int pair = 0;
    for (; pair + lanes <= size / 2; pair += lanes) {
        auto even = hn::Zero(d);
        auto odd = even;
        hn::LoadInterleaved2(d, x + 2 * pair, even, odd);
        const auto cosine = hn::LoadU(d, cosines + pair);
        const auto sine = hn::LoadU(d, sines + pair);
        const auto newEven = hn::NegMulAdd(odd, sine, hn::Mul(even, cosine));
        const auto newOdd = hn::MulAdd(even, sine, hn::Mul(odd, cosine));
        hn::StoreInterleaved2(newEven, newOdd, d, x + 2 * pair);
    }
    for (; pair < size / 2; ++pair) {
        const float even = x[2 * pair];
        const float odd = x[2 * pair + 1];
        x[2 * pair] = std::fma(-odd, sines[pair], even * cosines[pair]);
        x[2 * pair + 1] = std::fma(even, sines[pair], odd * cosines[pair]);
    }
}

/// Scores of all tiles; returns the largest among the real positions.
float scoreTiles(const float* query, const float* keys, int positions, int size, float* scores) {
    const hn::CappedTag<float, kLaneCount> d;
    const hn::RebindToSigned<decltype(d)> di;
    const auto lanes = static_cast<int>(hn::Lanes(d));
    auto largest = hn::Set(d, kMasked);
    for (int first = 0; first < positions; first += lanes) {
        const int inTile = first % kTilePositions;
        const float* at = keys + static_cast<std::ptrdiff_t>(first - inTile) * size + inTile;
        auto sum0 = hn::Zero(d);
        auto sum1 = sum0;
        auto sum2 = sum0;
        auto sum3 = sum0;
        for (int i = 0; i < size; i += 4, at += 4 * kTilePositions) {
            sum0 = hn::MulAdd(hn::Set(d, query[i]), hn::LoadU(d, at), sum0);
            sum1 = hn::MulAdd(hn::Set(d, query[i + 1]), hn::LoadU(d, at + kTilePositions), sum1);
            sum2 = hn::MulAdd(hn::Set(d, query[i + 2]), hn::LoadU(d, at + 2 * kTilePositions), sum2);
            sum3 = hn::MulAdd(hn::Set(d, query[i + 3]), hn::LoadU(d, at + 3 * kTilePositions), sum3);
        }
        auto score = hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3));
        const auto real = hn::RebindMask(d, hn::Lt(hn::Iota(di, first), hn::Set(di, positions)));
        score = hn::IfThenElse(real, score, hn::Set(d, kMasked));
        largest = hn::Max(largest, score);
        hn::StoreU(score, d, scores + first);
    }
    return hn::GetLane(hn::MaxOfLanes(d, largest));
}

/// Scores -> exponentials; returns their sum.
float exponentiate(float* scores, int positions, float largest) {
    const hn::CappedTag<float, kLaneCount> d;
    const auto lanes = static_cast<int>(hn::Lanes(d));
    HWY_ALIGN float sums[kLaneCount] = {};
    const auto shift = hn::Set(d, largest);
    for (int lane = 0; lane < kLaneCount; lane += lanes) {
        auto sum = hn::Zero(d);
        for (int i = lane; i < positions; i += kLaneCount) {
            const auto weight = hn::Exp(d, hn::Sub(hn::LoadU(d, scores + i), shift));
            hn::StoreU(weight, d, scores + i);
            sum = hn::Add(sum, weight);
        }
        hn::Store(sum, d, sums + lane);
    }
    return sumOfLanes(sums);
}

void weighValues(const float* weights, const float* values, int positions, int size, float scale, float* out) {
    const hn::CappedTag<float, kLaneCount> d;
    const auto lanes = static_cast<int>(hn::Lanes(d));
    for (int i = 0; i < size; i += lanes) {
        const float* at = values + i;
        auto sum0 = hn::Zero(d);
        auto sum1 = sum0;
        auto sum2 = sum0;
        auto sum3 = sum0;
        int position = 0;
        for (; position + 4 <= positions; position += 4, at += std::ptrdiff_t{4} * size) {
            sum0 = hn::MulAdd(hn::Set(d, weights[position]), hn::LoadU(d, at), sum0);
            sum1 = hn::MulAdd(hn::Set(d, weights[position + 1]), hn::LoadU(d, at + size), sum1);
            sum2 = hn::MulAdd(hn::Set(d, weights[position + 2]), hn::LoadU(d, at + std::ptrdiff_t{2} * size), sum2);
            sum3 = hn::MulAdd(hn::Set(d, weights[position + 3]), hn::LoadU(d, at + std::ptrdiff_t{3} * size), sum3);
        }
        for (; position < positions; ++position, at += size)
            sum0 = hn::MulAdd(hn::Set(d, weights[position]), hn::LoadU(d, at), sum0);
        const auto sum = hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3));
        hn::StoreU(hn::Mul(sum, hn::Set(d, scale)), d, out + i);
    }
}

void attendHeadKernel(const float* query, const float* keys, const float* values, int positions, int size, float* scores,
                      float* out) {
    const float largest = scoreTiles(query, keys, positions, size, scores);
    const float sum = exponentiate(scores, positions, largest);
    weighValues(scores, values, positions, size, 1.0F / sum, out);
}

} // namespace
} // namespace moescope::backend::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace moescope::backend {

HWY_EXPORT(rotatePairsKernel);
HWY_EXPORT(attendHeadKernel);

void rotatePairs(float* x, const float* cosines, const float* sines, int size) {
    HWY_DYNAMIC_DISPATCH(rotatePairsKernel)(x, cosines, sines, size);
}

void attendHead(const float* query, const float* keys, const float* values, int positions, int size, float* scores,
                float* out) {
    HWY_DYNAMIC_DISPATCH(attendHeadKernel)(query, keys, values, positions, size, scores, out);
}

} // namespace moescope::backend
#endif
