#include "engine/backend/cuda/row_dots.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

// Where the compiler can, a second version with fused multiply-add and wide vectors, chosen when the program starts.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define MOESCOPE_ALSO_WIDE __attribute__((target_clones("arch=haswell", "default")))
#else
#define MOESCOPE_ALSO_WIDE
#endif

namespace moescope::backend::cuda {
namespace {

using model::TensorType;

using Lanes = std::array<float, RowDots::kLanes>;

/// As the GPU's tree: neighbours first.
float sumOf(Lanes& lanes) {
    for (std::size_t width = 1; width < lanes.size(); width *= 2)
        for (std::size_t lane = 0; lane < lanes.size(); lane += 2 * width)
            lanes[lane] += lanes[lane + width];
    return lanes[0];
}

int dot16(const std::byte* weights, const std::int8_t* digits, int shift, int mask) {
    int sum = 0;
    for (int i = 0; i < RowDots::kChunkBytes; ++i)
        sum += ((static_cast<int>(weights[i]) >> shift) & mask) * digits[i];
    return sum;
}

/// Where the digits of a chunk lie in a plane.
const std::int8_t* digitsAt(const RowInput& x, int chunk, int planes, int plane) {
    return RowDots::digits(x) + (static_cast<std::ptrdiff_t>(chunk / 4) * planes + plane) * 64 + chunk % 4 * 16;
}

float halfAt(const std::byte* scales, int index) {
    float value = 0;
    model::dequantise(TensorType::F16, scales + index * 2, {&value, 1});
    return value;
}

MOESCOPE_ALSO_WIDE float q4Plain(const RowInput& x, const std::byte* row) {
    Lanes lanes{};
    const int chunks = RowDots::chunks(x);
    const std::byte* scales = row + chunks * RowDots::kChunkBytes;
    for (int chunk = 0; chunk < chunks; ++chunk) {
        const std::byte* weights = row + chunk * RowDots::kChunkBytes;
        const auto half = [&](int plane, int shift) { return dot16(weights, digitsAt(x, chunk, 4, plane), shift, 15); };
        const int high = half(0, 0) + half(1, 4);
        const int low = half(2, 0) + half(3, 4);
        float& lane = lanes[static_cast<std::size_t>(chunk % RowDots::kLanes)];
        lane = std::fma(static_cast<float>(kDigitBase * high + low + RowDots::corrections(x)[chunk]),
                        halfAt(scales, chunk) * RowDots::scales(x)[chunk], lane);
    }
    return sumOf(lanes);
}

MOESCOPE_ALSO_WIDE float q8Plain(const RowInput& x, const std::byte* row) {
    Lanes lanes{};
    const int chunks = RowDots::chunks(x);
    const std::byte* scales = row + chunks * RowDots::kChunkBytes;
    for (int chunk = 0; chunk < chunks; ++chunk) {
        std::array<std::byte, RowDots::kChunkBytes> weights{};
        for (std::size_t i = 0; i < weights.size(); ++i)
            weights[i] = row[static_cast<std::size_t>(chunk) * weights.size() + i] ^ std::byte{0x80};
        const int high = dot16(weights.data(), digitsAt(x, chunk, 2, 0), 0, 255);
        const int low = dot16(weights.data(), digitsAt(x, chunk, 2, 1), 0, 255);
        float& lane = lanes[static_cast<std::size_t>(chunk % RowDots::kLanes)];
        lane = std::fma(static_cast<float>(kDigitBase * high + low + RowDots::corrections(x)[chunk]),
                        halfAt(scales, chunk / 2) * RowDots::scales(x)[chunk], lane);
    }
    return sumOf(lanes);
}

/// Column after column of each lane's chunk.
MOESCOPE_ALSO_WIDE float floatRow(const float* row, const float* x, int columns, int perChunk) {
    Lanes lanes{};
    for (int begin = 0; begin < columns; begin += RowDots::kLanes * perChunk) {
        const int used = std::min(RowDots::kLanes, (columns - begin) / perChunk);
        for (int column = 0; column < perChunk; ++column)
            for (int lane = 0; lane < used; ++lane) {
                const int at = begin + lane * perChunk + column;
                lanes[static_cast<std::size_t>(lane)] = std::fma(row[at], x[at], lanes[static_cast<std::size_t>(lane)]);
            }
    }
    return sumOf(lanes);
}

float floatDot(const RowInput& x, const std::byte* row) {
    thread_local std::vector<float> floats;
    floats.resize(static_cast<std::size_t>(RowDots::columns(x)));
    model::dequantise(RowDots::type(x), row, floats);
    return floatRow(floats.data(), RowDots::values(x), RowDots::columns(x), RowDots::columns(x) / RowDots::chunks(x));
}

} // namespace

RowInput::Dot RowDots::plain(TensorType type) {
    if (type == TensorType::Q4_0)
        return q4Plain;
    return type == TensorType::Q8_0 ? q8Plain : floatDot;
}

RowInput::Dot RowDots::best(TensorType type) {
#if defined(__x86_64__)
    static const bool kWide = avx512::runs();
    if (kWide && type == TensorType::Q4_0)
        return avx512::q4Dot;
    if (kWide && type == TensorType::Q8_0)
        return avx512::q8Dot;
#endif
    return plain(type);
}

} // namespace moescope::backend::cuda
