#include "engine/backend/cpu/int8_kernels.h"
#include "engine/model/code_runs.h"
#include "engine/trace/routing_payload.h"

#include <cmath>
#include <cstring>

namespace moescope::backend::scalar {
namespace {

float halfScale(const std::byte* scales, int index) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, scales + std::size_t{2} * static_cast<std::size_t>(index), sizeof bits);
    return trace::fromHalf(bits);
}

/// For codes that are doubled.
float exponentScale(const std::byte* scales, int index) {
    return model::halfOfE8M0(std::to_integer<std::uint8_t>(scales[index]));
}

/// The activation of one column within its block.
int integerAt(const std::int8_t* digits, int column) {
    return kDigitBase * digits[column] + digits[kBlockColumns + column];
}

int q8Block(const std::byte* quants, int row, const std::int8_t* digits) {
    int sum = 0;
    for (int column = 0; column < kBlockColumns; ++column) {
        const int at = (column / 4) * 4 * kGroupRows + row * 4 + column % 4;
        sum += (std::to_integer<int>(quants[at]) - 128) * integerAt(digits, column);
    }
    return sum;
}

int q4Block(const std::byte* quants, int row, const std::int8_t* digits) {
    int sum = 0;
    for (int column = 0; column < kBlockColumns / 2; ++column) {
        const int two = std::to_integer<int>(quants[(column / 4) * 4 * kGroupRows + row * 4 + column % 4]);
        sum += ((two & 15) - 8) * integerAt(digits, column) + ((two >> 4) - 8) * integerAt(digits, column + kBlockColumns / 2);
    }
    return sum;
}

int mxfp4Block(const std::byte* quants, int row, const std::int8_t* digits) {
    int sum = 0;
    for (int column = 0; column < kBlockColumns / 2; ++column) {
        const unsigned two = std::to_integer<unsigned>(quants[(column / 4) * 4 * kGroupRows + row * 4 + column % 4]);
        sum += model::kDoubledE2M1[two & 15U] * integerAt(digits, column) +
               model::kDoubledE2M1[two >> 4U] * integerAt(digits, column + kBlockColumns / 2);
    }
    return sum;
}

template <int (*BlockSum)(const std::byte*, int, const std::int8_t*), float (*ScaleAt)(const std::byte*, int), int BlockBytes>
void product(const PackedMatrix& matrix, int begin, int end, const ActivationRow* tokens, int count, float* const* outs) {
    const int blocks = matrix.columns / kBlockColumns;
    for (int group = begin; group < end; ++group) {
        const std::byte* quants = matrix.group(group);
        const std::byte* scales = quants + static_cast<std::ptrdiff_t>(blocks) * BlockBytes;
        for (int token = 0; token < count; ++token) {
            for (int row = 0; row < kGroupRows; ++row) {
                float sum = 0;
                for (int block = 0; block < blocks; ++block) {
                    const int dot = BlockSum(quants + static_cast<std::ptrdiff_t>(block) * BlockBytes, row,
                                             tokens[token].digits + block * 2 * kBlockColumns);
                    const float scale = ScaleAt(scales, block * kGroupRows + row) * tokens[token].scales[block];
                    sum = std::fma(static_cast<float>(dot), scale, sum);
                }
                outs[token][group * kGroupRows + row] = sum;
            }
        }
    }
}

} // namespace

void q8Product(const PackedMatrix& matrix, int begin, int end, const ActivationRow* tokens, int count, float* const* outs) {
    product<q8Block, halfScale, kBlockColumns * kGroupRows>(matrix, begin, end, tokens, count, outs);
}

void q4Product(const PackedMatrix& matrix, int begin, int end, const ActivationRow* tokens, int count, float* const* outs) {
    product<q4Block, halfScale, kBlockColumns * kGroupRows / 2>(matrix, begin, end, tokens, count, outs);
}

void mxfp4Product(const PackedMatrix& matrix, int begin, int end, const ActivationRow* tokens, int count, float* const* outs) {
    product<mxfp4Block, exponentScale, kBlockColumns * kGroupRows / 2>(matrix, begin, end, tokens, count, outs);
}

} // namespace moescope::backend::scalar
