#include "engine/backend/cpu/vector_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/backend/cpu/vector_kernels.cpp"
#include <hwy/foreach_target.h>
// Highway wants its own headers after foreach_target.
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include "engine/backend/cpu/lane_sum-inl.h"

HWY_BEFORE_NAMESPACE();
namespace moescope::backend::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

void rmsNormKernel(const float* x, const float* weight, float epsilon, int count, float* out) {
    const hn::CappedTag<float, kLaneCount> d;
    const auto lanes = static_cast<int>(hn::Lanes(d));
    HWY_ALIGN float sums[kLaneCount];
    for (int lane = 0; lane < kLaneCount; lane += lanes) {
        auto sum = hn::Zero(d);
        for (int i = lane; i < count; i += kLaneCount) {
            const auto value = hn::LoadU(d, x + i);
            sum = hn::MulAdd(value, value, sum);
        }
        hn::Store(sum, d, sums + lane);
    }
    const float mean = sumOfLanes(sums) / static_cast<float>(count);
    const auto factor = hn::Set(d, 1.0F / std::sqrt(mean + epsilon));
    for (int i = 0; i < count; i += lanes)
        hn::StoreU(hn::Mul(hn::Mul(hn::LoadU(d, x + i), factor), hn::LoadU(d, weight + i)), d, out + i);
}

void quantiseKernel(const float* x, int blocks, std::int8_t* digits, float* scales, std::int32_t* corrections,
                    std::int32_t* sums) {
    const hn::CappedTag<float, kLaneCount> d;
    const hn::Rebind<std::int32_t, decltype(d)> di;
    const hn::Rebind<std::int8_t, decltype(d)> db;
    const auto lanes = static_cast<int>(hn::Lanes(d));
    const auto limit = hn::Set(di, kLargestDigits);
    const auto inverseBase = hn::Set(d, 1.0F / kDigitBase);
    for (int block = 0; block < blocks; ++block, x += kBlockColumns, digits += 2 * kBlockColumns) {
        auto largest = hn::Zero(d);
        for (int i = 0; i < kBlockColumns; i += lanes)
            largest = hn::Max(largest, hn::Abs(hn::LoadU(d, x + i)));
        const float magnitude = hn::GetLane(hn::MaxOfLanes(d, largest));
        // Below this the inverse would overflow; such a block is zero for every purpose.
        const bool empty = !(magnitude > 1e-30F);
        const auto inverse = hn::Set(d, empty ? 0.0F : static_cast<float>(kLargestDigits) / magnitude);
        for (int half = 0; half < kBlockColumns / kSumColumns; ++half) {
            auto sum = hn::Zero(di);
            for (int i = half * kSumColumns; i < (half + 1) * kSumColumns; i += lanes) {
                auto integer = hn::NearestInt(hn::Mul(hn::LoadU(d, x + i), inverse));
                integer = hn::Max(hn::Min(integer, limit), hn::Neg(limit));
                const auto high = hn::NearestInt(hn::Mul(hn::ConvertTo(d, integer), inverseBase));
                const auto low = hn::Add(hn::Sub(integer, hn::ShiftLeft<8>(high)), high); // integer - 255 * high
                sum = hn::Add(sum, integer);
                hn::StoreU(hn::DemoteTo(db, high), db, digits + i);
                hn::StoreU(hn::DemoteTo(db, low), db, digits + kBlockColumns + i);
            }
            sums[2 * block + half] = hn::GetLane(hn::SumOfLanes(di, sum));
        }
        scales[block] = empty ? 0.0F : magnitude / static_cast<float>(kLargestDigits);
        corrections[block] = -128 * (sums[2 * block] + sums[2 * block + 1]);
    }
}

void swiGluKernel(const float* gate, const float* up, int count, float* out) {
    const hn::CappedTag<float, kLaneCount> d;
    const auto lanes = static_cast<int>(hn::Lanes(d));
    const auto one = hn::Set(d, 1.0F);
    const auto highest = hn::Set(d, 88.0F); // Exp is defined up to 104; the quotient is zero to float accuracy long before
    for (int i = 0; i < count; i += lanes) {
        const auto value = hn::LoadU(d, gate + i);
        const auto decay = hn::Exp(d, hn::Min(hn::Neg(value), highest));
        const auto silu = hn::Div(value, hn::Add(one, decay));
        hn::StoreU(hn::Mul(silu, hn::LoadU(d, up + i)), d, out + i);
    }
}

void addScaledKernel(const float* x, float factor, int count, float* sum) {
    const hn::CappedTag<float, kLaneCount> d;
    const auto lanes = static_cast<int>(hn::Lanes(d));
    const auto factors = hn::Set(d, factor);
    for (int i = 0; i < count; i += lanes)
        hn::StoreU(hn::MulAdd(factors, hn::LoadU(d, x + i), hn::LoadU(d, sum + i)), d, sum + i);
}

template <class D>
HWY_INLINE hn::Vec<D> loadWeights(D d, const float* at) {
    return hn::LoadU(d, at);
}

template <class D, class Stored>
HWY_INLINE hn::Vec<D> loadWeights(D d, const Stored* at) {
    const hn::Rebind<Stored, D> narrow;
    return hn::PromoteTo(d, hn::LoadU(narrow, at));
}

/// Four chains, columns modulo 4, so that the adds overlap; joined in one order.
template <class Stored>
void floatRows(const Stored* weights, int columns, const float* x, float* out) {
    const hn::CappedTag<float, kLaneCount> d;
    const auto lanes = static_cast<int>(hn::Lanes(d));
    for (int lane = 0; lane < kGroupRows; lane += lanes) {
        const Stored* at = weights + lane;
        auto sum0 = hn::Zero(d);
        auto sum1 = sum0;
        auto sum2 = sum0;
        auto sum3 = sum0;
        for (int column = 0; column < columns; column += 4, at += 4 * kGroupRows) {
            sum0 = hn::MulAdd(loadWeights(d, at), hn::Set(d, x[column]), sum0);
            sum1 = hn::MulAdd(loadWeights(d, at + kGroupRows), hn::Set(d, x[column + 1]), sum1);
            sum2 = hn::MulAdd(loadWeights(d, at + 2 * kGroupRows), hn::Set(d, x[column + 2]), sum2);
            sum3 = hn::MulAdd(loadWeights(d, at + 3 * kGroupRows), hn::Set(d, x[column + 3]), sum3);
        }
        hn::StoreU(hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3)), d, out + lane);
    }
}

template <class Stored>
void floatGroups(const PackedMatrix& matrix, int begin, int end, const ActivationRow* tokens, int count, float* const* outs) {
    for (int group = begin; group < end; ++group)
        for (int token = 0; token < count; ++token)
            floatRows(reinterpret_cast<const Stored*>(matrix.group(group)), matrix.columns, tokens[token].values,
                      outs[token] + group * kGroupRows);
}

void floatProductKernel(const PackedMatrix& matrix, int begin, int end, const ActivationRow* tokens, int count,
                        float* const* outs) {
    if (matrix.type == model::TensorType::F16)
        floatGroups<hwy::float16_t>(matrix, begin, end, tokens, count, outs);
    else if (matrix.type == model::TensorType::BF16)
        floatGroups<hwy::bfloat16_t>(matrix, begin, end, tokens, count, outs);
    else
        floatGroups<float>(matrix, begin, end, tokens, count, outs);
}

} // namespace
} // namespace moescope::backend::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace moescope::backend {

HWY_EXPORT(rmsNormKernel);
HWY_EXPORT(quantiseKernel);
HWY_EXPORT(swiGluKernel);
HWY_EXPORT(addScaledKernel);
HWY_EXPORT(floatProductKernel);

void rmsNorm(const float* x, const float* weight, float epsilon, int count, float* out) {
    HWY_DYNAMIC_DISPATCH(rmsNormKernel)(x, weight, epsilon, count, out);
}

void quantiseBlocks(const float* x, int blocks, std::int8_t* digits, float* scales, std::int32_t* corrections,
                    std::int32_t* sums) {
    HWY_DYNAMIC_DISPATCH(quantiseKernel)(x, blocks, digits, scales, corrections, sums);
}

void swiGlu(const float* gate, const float* up, int count, float* out) {
    HWY_DYNAMIC_DISPATCH(swiGluKernel)(gate, up, count, out);
}

void addScaled(const float* x, float factor, int count, float* sum) {
    HWY_DYNAMIC_DISPATCH(addScaledKernel)(x, factor, count, sum);
}

void floatProduct(const PackedMatrix& matrix, int begin, int end, const ActivationRow* tokens, int count, float* const* outs) {
    HWY_DYNAMIC_DISPATCH(floatProductKernel)(matrix, begin, end, tokens, count, outs);
}

} // namespace moescope::backend
#endif
