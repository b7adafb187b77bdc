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

constexpr int kChains = 4;        // independent sums, so that multiply-adds overlap
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

/// Query heads that share one key/value head and are computed together, so that the cache is read once for them.
template <int Heads>
struct HeadGroup {
    const float* queries[Heads];
    float* scores[Heads];
    float* outs[Heads];
};

/// Scores of all tiles, positions beyond the last one masked.
template <int Heads>
void scoreTiles(const HeadGroup<Heads>& group, const float* keys, int positions, int size) {
    const hn::CappedTag<float, kLaneCount> d;
    const hn::RebindToSigned<decltype(d)> di;
    const auto lanes = static_cast<int>(hn::Lanes(d));
    for (int first = 0; first < positions; first += lanes) {
        const int inTile = first % kTilePositions;
        const float* at = keys + static_cast<std::ptrdiff_t>(first - inTile) * size + inTile;
        hn::Vec<decltype(d)> sums[Heads][kChains];
        for (int head = 0; head < Heads; ++head)
            for (auto& sum : sums[head])
                sum = hn::Zero(d);
        for (int i = 0; i < size; i += kChains) {
            for (int chain = 0; chain < kChains; ++chain, at += kTilePositions) {
                const auto key = hn::LoadU(d, at);
                for (int head = 0; head < Heads; ++head)
                    sums[head][chain] = hn::MulAdd(hn::Set(d, group.queries[head][i + chain]), key, sums[head][chain]);
            }
        }
        const auto real = hn::RebindMask(d, hn::Lt(hn::Iota(di, first), hn::Set(di, positions)));
        for (int head = 0; head < Heads; ++head) {
            const auto score = hn::Add(hn::Add(sums[head][0], sums[head][1]), hn::Add(sums[head][2], sums[head][3]));
            hn::StoreU(hn::IfThenElse(real, score, hn::Set(d, kMasked)), d, group.scores[head] + first);
        }
    }
}

/// Scores -> exponentials; returns their sum.
float exponentiate(float* scores, int positions) {
    const hn::CappedTag<float, kLaneCount> d;
    const auto lanes = static_cast<int>(hn::Lanes(d));
    auto largest = hn::Set(d, kMasked);
    for (int i = 0; i < positions; i += lanes)
        largest = hn::Max(largest, hn::LoadU(d, scores + i));
    largest = hn::MaxOfLanes(d, largest);
    HWY_ALIGN float sums[kLaneCount] = {};
    for (int lane = 0; lane < kLaneCount; lane += lanes) {
        auto sum = hn::Zero(d);
        for (int i = lane; i < positions; i += kLaneCount) {
            const auto weight = hn::Exp(d, hn::Sub(hn::LoadU(d, scores + i), largest));
            hn::StoreU(weight, d, scores + i);
            sum = hn::Add(sum, weight);
        }
        hn::Store(sum, d, sums + lane);
    }
    return sumOfLanes(sums);
}

/// One dimension that no whole vector covers, with the arithmetic that a lane would have had.
float weighDimension(const float* scores, const float* values, int positions, int size) {
    float sums[kChains] = {};
    const int whole = positions - positions % kChains;
    for (int position = 0; position < positions; ++position) {
        float& sum = sums[position < whole ? position % kChains : 0];
        sum = std::fma(scores[position], values[static_cast<std::ptrdiff_t>(position) * size], sum);
    }
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/// outs[head] = scale[head] * sum over positions of score * value, in chains by position modulo 4.
template <int Heads>
void weighValues(const HeadGroup<Heads>& group, const float* values, int positions, int size, const float* scales) {
    const hn::CappedTag<float, kLaneCount> d;
    const auto lanes = static_cast<int>(hn::Lanes(d));
    int i = 0;
    for (; i + lanes <= size; i += lanes) {
        const float* at = values + i;
        hn::Vec<decltype(d)> sums[Heads][kChains];
        for (int head = 0; head < Heads; ++head)
            for (auto& sum : sums[head])
                sum = hn::Zero(d);
        const auto add = [&](int position, int chain) {
            const auto value = hn::LoadU(d, at);
            for (int head = 0; head < Heads; ++head)
                sums[head][chain] = hn::MulAdd(hn::Set(d, group.scores[head][position]), value, sums[head][chain]);
            at += size;
        };
        int position = 0;
        for (; position + kChains <= positions; position += kChains)
            for (int chain = 0; chain < kChains; ++chain)
                add(position + chain, chain);
        for (; position < positions; ++position)
            add(position, 0);
        for (int head = 0; head < Heads; ++head) {
            const auto sum = hn::Add(hn::Add(sums[head][0], sums[head][1]), hn::Add(sums[head][2], sums[head][3]));
            hn::StoreU(hn::Mul(sum, hn::Set(d, scales[head])), d, group.outs[head] + i);
        }
    }
    for (; i < size; ++i)
        for (int head = 0; head < Heads; ++head)
            group.outs[head][i] = weighDimension(group.scores[head], values + i, positions, size) * scales[head];
}

template <int Heads>
void attendTogether(const AttentionCall& call, int first, float* scores) {
    HeadGroup<Heads> group;
    const std::ptrdiff_t stride = scoreStride(call.positions);
    for (int head = 0; head < Heads; ++head) {
        group.queries[head] = call.queries + (first + head) * call.size;
        group.outs[head] = call.outs + (first + head) * call.size;
        group.scores[head] = scores + head * stride;
    }
    scoreTiles(group, call.keys, call.positions, call.size);
    float scales[Heads];
    for (int head = 0; head < Heads; ++head)
        scales[head] = 1.0F / exponentiate(group.scores[head], call.positions);
    weighValues(group, call.values, call.positions, call.size, scales);
}

void attendHeadsKernel(const AttentionCall& call, float* scores) {
    int head = 0;
    for (; head + 2 <= call.heads; head += 2)
        attendTogether<2>(call, head, scores);
    for (; head < call.heads; ++head)
        attendTogether<1>(call, head, scores);
}

} // namespace
} // namespace moescope::backend::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace moescope::backend {

HWY_EXPORT(rotatePairsKernel);
HWY_EXPORT(attendHeadsKernel);

void rotatePairs(float* x, const float* cosines, const float* sines, int size) {
    HWY_DYNAMIC_DISPATCH(rotatePairsKernel)(x, cosines, sines, size);
}

void attendHeads(const AttentionCall& call, float* scores) {
    HWY_DYNAMIC_DISPATCH(attendHeadsKernel)(call, scores);
}

} // namespace moescope::backend
#endif
