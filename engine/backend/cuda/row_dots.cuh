#pragma once
// Dot products of weight rows with activations by one warp. Lane l takes the row's 16-byte chunks l, l + 32, ...; the lanes'
// sums are added as a tree, neighbours first. Integers are exact, floats are fused where the source says so.
#include "engine/backend/cuda/quantise.cuh"

#include <cuda_bf16.h>
#include <cuda_fp16.h>

namespace moescope::backend::cuda {

constexpr bool isQuantised(model::TensorType type) {
    return type == model::TensorType::Q8_0 || type == model::TensorType::Q4_0;
}

/// 16 bytes of a row, the activations that belong to them, and their product.
template <model::TensorType Type>
struct Chunk;

/// The lanes' sum, as a tree whose leaves are in the order of the lanes.
__device__ inline float joinLanes(float value) {
    for (int offset = 1; offset < 32; offset *= 2)
        value += __shfl_xor_sync(kAllLanes, value, offset);
    return value;
}

__device__ inline int dot16(const int4& a, const int4& b) {
    return __dp4a(a.x, b.x, __dp4a(a.y, b.y, __dp4a(a.z, b.z, __dp4a(a.w, b.w, 0))));
}

/// A block's 16 bytes of the first plane of digits; those of the next planes lie columns / 32 further on each.
__device__ inline const int4* digitsOf(const ActivationView& x, int row, int block) {
    return reinterpret_cast<const int4*>(x.digits + static_cast<std::size_t>(row) * 2 * x.columns) + block;
}

__device__ inline BlockScale scaleOf(const ActivationView& x, int row, int block) {
    return x.blocks[static_cast<std::size_t>(row) * x.columns / kBlockColumns + block];
}

template <>
struct Chunk<model::TensorType::Q8_0> {
    static constexpr int kColumns = 16;
    struct Weights {
        int4 quants;
        float scale;
    };
    struct Input {
        int4 high;
        int4 low;
        float scale;
    };
    static constexpr int kScaleBytes = 1; ///< per chunk
    static __device__ Weights weights(const std::byte* row, int columns, int chunk) {
        return {__ldcs(reinterpret_cast<const int4*>(row) + chunk),
                __half2float(__ldcs(reinterpret_cast<const __half*>(row + columns) + chunk / 2))};
    }
    /// From shared memory.
    static __device__ Weights copied(const std::byte* chunks, const std::byte* scales, int chunk) {
        return {reinterpret_cast<const int4*>(chunks)[chunk], __half2float(reinterpret_cast<const __half*>(scales)[chunk / 2])};
    }
    static __device__ Input input(const ActivationView& x, int row, int chunk) {
        const int plane = x.columns / kBlockColumns;
        const int4* digits = digitsOf(x, row, chunk / 2) + chunk % 2 * plane;
        return {digits[0], digits[2 * plane], scaleOf(x, row, chunk / 2).scale};
    }
    static __device__ float add(const Weights& w, const Input& x, float sum) {
        const int dot = kDigitBase * dot16(w.quants, x.high) + dot16(w.quants, x.low);
        return fmaf(static_cast<float>(dot), w.scale * x.scale, sum);
    }
};

template <>
struct Chunk<model::TensorType::Q4_0> {
    static constexpr int kColumns = 32;
    using Weights = Chunk<model::TensorType::Q8_0>::Weights;
    struct Input {
        int4 digits[4]; ///< high 0-15, high 16-31, low 0-15, low 16-31
        BlockScale block;
    };
    static constexpr int kScaleBytes = 2;
    static __device__ Weights weights(const std::byte* row, int columns, int chunk) {
        return {__ldcs(reinterpret_cast<const int4*>(row) + chunk),
                __half2float(__ldcs(reinterpret_cast<const __half*>(row + columns / 2) + chunk))};
    }
    static __device__ Weights copied(const std::byte* chunks, const std::byte* scales, int chunk) {
        return {reinterpret_cast<const int4*>(chunks)[chunk], __half2float(reinterpret_cast<const __half*>(scales)[chunk])};
    }
    static __device__ Input input(const ActivationView& x, int row, int chunk) {
        const int plane = x.columns / kBlockColumns;
        const int4* digits = digitsOf(x, row, chunk);
        return {{digits[0], digits[plane], digits[2 * plane], digits[3 * plane]}, scaleOf(x, row, chunk)};
    }
    static __device__ float add(const Weights& w, const Input& x, float sum) {
        constexpr int kLow = 0x0F0F0F0F;
        const int4& q = w.quants;
        const int4 first = {q.x & kLow, q.y & kLow, q.z & kLow, q.w & kLow};
        const int4 second = {(q.x >> 4) & kLow, (q.y >> 4) & kLow, (q.z >> 4) & kLow, (q.w >> 4) & kLow};
        const int high = dot16(first, x.digits[0]) + dot16(second, x.digits[1]);
        const int low = dot16(first, x.digits[2]) + dot16(second, x.digits[3]);
        return fmaf(static_cast<float>(kDigitBase * high + low - 8 * x.block.sum), w.scale * x.block.scale, sum);
    }
};

__device__ inline float4 valuesOf(const ActivationView& x, int row, int column) {
    return *reinterpret_cast<const float4*>(x.values + static_cast<std::size_t>(row) * x.columns + column);
}

template <>
struct Chunk<model::TensorType::F32> {
    static constexpr int kColumns = 4;
    static constexpr int kScaleBytes = 0;
    using Weights = float4;
    using Input = float4;
    static __device__ Weights copied(const std::byte* chunks, const std::byte*, int chunk) {
        return reinterpret_cast<const float4*>(chunks)[chunk];
    }
    static __device__ Weights weights(const std::byte* row, int, int chunk) {
        return __ldcs(reinterpret_cast<const float4*>(row) + chunk);
    }
    static __device__ Input input(const ActivationView& x, int row, int chunk) { return valuesOf(x, row, chunk * kColumns); }
    static __device__ float add(const Weights& w, const Input& x, float sum) {
        return fmaf(w.w, x.w, fmaf(w.z, x.z, fmaf(w.y, x.y, fmaf(w.x, x.x, sum))));
    }
};

/// F16 and BF16: eight columns of two bytes.
template <class Pair, float2 (*ToFloats)(Pair)>
struct HalfChunk {
    static constexpr int kColumns = 8;
    static constexpr int kScaleBytes = 0;
    struct Weights {
        int4 bits;
    };
    static __device__ Weights copied(const std::byte* chunks, const std::byte*, int chunk) {
        return {reinterpret_cast<const int4*>(chunks)[chunk]};
    }
    struct Input {
        float4 first;
        float4 second;
    };
    static __device__ Weights weights(const std::byte* row, int, int chunk) {
        return {__ldcs(reinterpret_cast<const int4*>(row) + chunk)};
    }
    static __device__ Input input(const ActivationView& x, int row, int chunk) {
        return {valuesOf(x, row, chunk * kColumns), valuesOf(x, row, chunk * kColumns + 4)};
    }
    static __device__ float2 two(int bits) {
        Pair pair;
        static_assert(sizeof pair == sizeof bits);
        memcpy(&pair, &bits, sizeof pair);
        return ToFloats(pair);
    }
    static __device__ float add(const Weights& w, const Input& x, float sum) {
        const float2 a = two(w.bits.x);
        const float2 b = two(w.bits.y);
        const float2 c = two(w.bits.z);
        const float2 d = two(w.bits.w);
        sum = fmaf(b.y, x.first.w, fmaf(b.x, x.first.z, fmaf(a.y, x.first.y, fmaf(a.x, x.first.x, sum))));
        return fmaf(d.y, x.second.w, fmaf(d.x, x.second.z, fmaf(c.y, x.second.y, fmaf(c.x, x.second.x, sum))));
    }
};

__device__ inline float2 halfsToFloats(__half2 pair) {
    return __half22float2(pair);
}
__device__ inline float2 brainsToFloats(__nv_bfloat162 pair) {
    return __bfloat1622float2(pair);
}
template <>
struct Chunk<model::TensorType::F16> : HalfChunk<__half2, halfsToFloats> {};
template <>
struct Chunk<model::TensorType::BF16> : HalfChunk<__nv_bfloat162, brainsToFloats> {};

/// The thread's part of sums[r][t] = row r . token t, when `Threads` threads share the rows. Tokens from `count` on are left at
/// zero. A single token's loop is unrolled, so that the loads of a row are on their way together.
template <model::TensorType Type, int Threads, int Rows, int Tokens>
__device__ void addParts(const std::byte* const (&rows)[Rows], const ActivationView& x, const int (&inputs)[Tokens], int count,
                         float (&sums)[Rows][Tokens]) {
    using Part = Chunk<Type>;
    constexpr int kUnroll = Tokens == 1 ? 4 : 1;
    const int chunks = x.columns / Part::kColumns;
#pragma unroll kUnroll
    for (int chunk = static_cast<int>(threadIdx.x) % Threads; chunk < chunks; chunk += Threads) {
        typename Part::Weights weights[Rows];
#pragma unroll
        for (int row = 0; row < Rows; ++row)
            weights[row] = Part::weights(rows[row], x.columns, chunk);
#pragma unroll
        for (int token = 0; token < Tokens; ++token) {
            if (token >= count)
                continue;
            const typename Part::Input input = Part::input(x, inputs[token], chunk);
#pragma unroll
            for (int row = 0; row < Rows; ++row)
                sums[row][token] = Part::add(weights[row], input, sums[row][token]);
        }
    }
#pragma unroll
    for (int row = 0; row < Rows; ++row)
#pragma unroll
        for (int token = 0; token < Tokens; ++token)
            sums[row][token] = joinLanes(sums[row][token]);
}

/// sums[r][t] = row r . token t, in every lane of the warp.
template <model::TensorType Type, int Rows, int Tokens>
__device__ void rowDots(const std::byte* const (&rows)[Rows], const ActivationView& x, const int (&inputs)[Tokens], int count,
                        float (&sums)[Rows][Tokens]) {
    addParts<Type, 32>(rows, x, inputs, count, sums);
}

} // namespace moescope::backend::cuda
