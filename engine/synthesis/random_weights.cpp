#include "engine/synthesis/random_weights.h"

#include "engine/model/model_error.h"
#include "engine/trace/routing_payload.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <stdexcept>

namespace moescope::synthesis {
namespace {

using model::TensorType;

constexpr std::int64_t kBlock = 32;
constexpr std::uint64_t kDrawsPerBlock = 8;
constexpr unsigned kQuantileBits = 12;
constexpr unsigned kScaleBits = 6;
constexpr double kScaleSpread = 0.25;
// Mean square of the codes -8..7, and of -127..127 with -127 twice as likely, because -128 is never used.
constexpr double kMeanSquareQ40 = 21.5;
constexpr double kMeanSquareQ80 = 5460.5;

std::uint64_t mixed(std::uint64_t value) {
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
    return value ^ (value >> 31);
}

std::uint64_t keyOf(std::string_view name, std::uint64_t seed) {
    std::uint64_t key = mixed(seed + 0x9e3779b97f4a7c15ULL);
    for (const char c : name)
        key = mixed(key ^ static_cast<unsigned char>(c));
    return key;
}

/// Quantile function of the normal distribution, by bisection on erfc: made once per table.
double normalQuantile(double share) {
    double low = -8;
    double high = 8;
    for (int round = 0; round < 60; ++round) {
        const double middle = (low + high) / 2;
        (0.5 * std::erfc(-middle / std::sqrt(2.0)) < share ? low : high) = middle;
    }
    return (low + high) / 2;
}

std::vector<std::uint32_t> quantileTable(TensorType type, double deviation) {
    std::vector<std::uint32_t> table(std::size_t{1} << kQuantileBits);
    for (std::size_t i = 0; i < table.size(); ++i) {
        const auto value =
            static_cast<float>(deviation * normalQuantile((static_cast<double>(i) + 0.5) / static_cast<double>(table.size())));
        table[i] = type == TensorType::F16 ? trace::toHalf(value) : std::bit_cast<std::uint32_t>(value);
    }
    return table;
}

std::vector<std::uint32_t> scaleTable(TensorType type, double deviation) {
    const double meanSquare =
        (type == TensorType::Q4_0 ? kMeanSquareQ40 : kMeanSquareQ80) * (1 + kScaleSpread * kScaleSpread / 3);
    const double mean = deviation / std::sqrt(meanSquare);
    std::vector<std::uint32_t> table(std::size_t{1} << kScaleBits);
    const std::size_t half = table.size() / 2;
    for (std::size_t i = 0; i < half; ++i) {
        const double part = (static_cast<double>(i) + 0.5) / static_cast<double>(half) * 2 - 1;
        table[i] = trace::toHalf(static_cast<float>(mean * (1 + kScaleSpread * part)));
        table[i + half] = table[i] | 0x8000U;
    }
    return table;
}

} // namespace

struct RandomWeights::Draws {
    std::uint64_t counter;
    std::uint64_t next() { return mixed(counter += 0x9e3779b97f4a7c15ULL); }
};

RandomWeights::RandomWeights(const model::PlannedTensor& tensor, WeightForm form, std::uint64_t seed)
    : m_type(tensor.type), m_form(std::move(form)), m_blocksPerRow(tensor.ne[0] / kBlock), m_rowBytes(tensor.rowBytes),
      m_blockBytes(static_cast<std::size_t>(tensor.rowBytes / std::max<std::int64_t>(1, m_blocksPerRow))),
      m_key(keyOf(tensor.name, seed)) {
    if (tensor.ne[0] % kBlock != 0 || m_type == TensorType::BF16)
        throw std::invalid_argument(fmt::format("The tensor {} cannot be made up.", model::quotedName(tensor.name)));
    const bool floats = m_type == TensorType::F16 || m_type == TensorType::F32;
    m_table = floats ? quantileTable(m_type, m_form.deviation) : scaleTable(m_type, m_form.deviation);
}

void RandomWeights::fill(const model::RowRange& range, std::span<std::byte> out) const {
    std::byte* at = out.data();
    for (std::int64_t row = range.first; row < range.first + range.rows; ++row) {
        const bool silent = m_form.silent && m_form.silent(row);
        for (std::int64_t column = 0; column < m_blocksPerRow; ++column, at += m_blockBytes) {
            if (silent)
                putConstant(0, at);
            else if (column == 0 && m_form.lead)
                putConstant(*m_form.lead, at);
            else
                fillBlock(row * m_blocksPerRow + column, at);
        }
    }
}

void RandomWeights::fillBlock(std::int64_t block, std::byte* out) const {
    if (m_form.deviation == 0)
        putConstant(m_form.constant, out);
    else
        putRandom({m_key + static_cast<std::uint64_t>(block) * kDrawsPerBlock * 0x9e3779b97f4a7c15ULL}, out);
}

void RandomWeights::putConstant(float value, std::byte* out) const {
    if (m_type == TensorType::F32) {
        for (std::int64_t i = 0; i < kBlock; ++i)
            std::memcpy(out + 4 * i, &value, sizeof value);
        return;
    }
    const float codes = m_type == TensorType::F16 ? 1.0F : m_type == TensorType::Q4_0 ? 7.0F : 127.0F;
    const std::uint16_t stored = trace::toHalf(value / codes);
    const std::size_t copies = m_type == TensorType::F16 ? kBlock : 1;
    for (std::size_t i = 0; i < copies; ++i)
        std::memcpy(out + 2 * i, &stored, sizeof stored);
    if (m_type == TensorType::Q4_0)
        std::memset(out + 2, value == 0 ? 0x88 : 0xff, 16);
    else if (m_type == TensorType::Q8_0)
        std::memset(out + 2, value == 0 ? 0 : 127, kBlock);
}

void RandomWeights::putRandom(Draws draws, std::byte* out) const {
    if (m_type == TensorType::Q4_0 || m_type == TensorType::Q8_0) {
        std::array<std::uint64_t, 4> codes{};
        const std::size_t words = m_type == TensorType::Q4_0 ? 2 : 4;
        for (std::size_t i = 0; i < words; ++i)
            codes[i] = draws.next();
        const auto scale = static_cast<std::uint16_t>(m_table[draws.next() >> (64 - kScaleBits)]);
        std::memcpy(out, &scale, sizeof scale);
        std::memcpy(out + 2, codes.data(), 8 * words);
        if (m_type == TensorType::Q8_0)
            for (std::int64_t i = 2; i < kBlock + 2; ++i)
                out[i] = out[i] == std::byte{0x80} ? std::byte{0x81} : out[i];
        return;
    }
    constexpr unsigned kPerDraw = 64 / kQuantileBits;
    std::uint64_t bits = 0;
    for (unsigned i = 0; i < kBlock; ++i, bits >>= kQuantileBits) {
        if (i % kPerDraw == 0)
            bits = draws.next();
        const std::uint32_t value = m_table[bits & ((1U << kQuantileBits) - 1)];
        if (m_type == TensorType::F16)
            std::memcpy(out + std::size_t{2} * i, &value, 2);
        else
            std::memcpy(out + std::size_t{4} * i, &value, 4);
    }
}

} // namespace moescope::synthesis
