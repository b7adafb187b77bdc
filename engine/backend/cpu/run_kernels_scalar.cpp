#include "engine/backend/cpu/int8_kernels.h"
#include "engine/backend/cpu/run_kernels.h"
#include "engine/trace/routing_payload.h"

#include <cmath>
#include <cstring>

namespace moescope::backend::scalar {
namespace {

float halfAt(const std::byte* at) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, at, sizeof bits);
    return trace::fromHalf(bits);
}

float floatAt(const std::byte* at) {
    float value = 0;
    std::memcpy(&value, at, sizeof value);
    return value;
}

/// A row's byte for a column of a quad's run.
int quadByte(const std::byte* quads, int column, int row) {
    return std::to_integer<int>(quads[column / 4 * kQuadBytes + row * 4 + column % 4]);
}

/// The activation of a column.
int integerAt(const std::int8_t* digits, int column) {
    return kDigitBase * digits[column] + digits[kBlockColumns + column];
}

// The unsigned code of a step's first or second run.
int codeOf(Q4KLayout, const std::byte* at, int step, bool second, int column, int row) {
    return quadByte(at + 8 * step * kQuadBytes, column, row) >> (second ? 4 : 0) & 15;
}
int codeOf(Q5KLayout, const std::byte* at, int step, bool second, int column, int row) {
    const int fifth = quadByte(at + Q5KLayout::kHighs, column, row) >> (2 * step + (second ? 1 : 0)) & 1;
    return codeOf(Q4KLayout{}, at, step, second, column, row) | fifth << 4;
}
int codeOf(Q6KLayout, const std::byte* at, int step, bool second, int column, int row) {
    const int low = quadByte(at + Q6KLayout::lowQuad(step) * kQuadBytes, column, row) >> (second ? 4 : 0) & 15;
    const int part = Q6KLayout::part(step) + (second ? 2 : 0);
    const int high = quadByte(at + Q6KLayout::kHighs + Q6KLayout::highQuad(step) * kQuadBytes, column, row) >> 2 * part & 3;
    return low | high << 4;
}

float unsignedAt(const std::byte* at) {
    return static_cast<float>(std::to_integer<int>(*at));
}

float wholeScale(Q6KLayout, const std::byte* at) {
    return static_cast<float>(static_cast<std::int8_t>(*at));
}
template <class Layout>
float wholeScale(Layout, const std::byte* at) {
    return unsignedAt(at);
}

/// One row of a super-block; halves are the row's own.
template <class Layout>
class SuperRow {
public:
    SuperRow(const std::byte* at, const std::byte* halves, int number, int row)
        : m_at(at), m_halves(halves), m_number(number), m_row(row) {}

    float plus(float total, const ActivationRow& token) const {
        for (int step = 0; step < Layout::kSteps; ++step) {
            total = plusRun(total, step, false, token);
            total = plusRun(total, step, true, token);
        }
        return total;
    }

private:
    float plusRun(float total, int step, bool second, const ActivationRow& token) const {
        const int run = second ? Layout::secondRun(step) : Layout::firstRun(step);
        const int column = m_number * kSuperColumns + run * Layout::kRun;
        const std::int8_t* digits = digitsAt(token, column);
        int dot = correctionOf<Layout>(token, m_number, run);
        for (int i = 0; i < Layout::kRun; ++i)
            dot += codeOf(Layout{}, m_at, step, second, i, m_row) * integerAt(digits, i);
        const int block = column / kBlockColumns;
        const std::byte* whole = m_at + run * kGroupRows + m_row;
        const float scale = halfAt(m_halves) * wholeScale(Layout{}, whole + Layout::kScales);
        total = std::fma(static_cast<float>(dot), scale * token.scales[block], total);
        if constexpr (Layout::kHalves == 2)
            total = std::fma(halfAt(m_halves + std::ptrdiff_t{2} * kGroupRows) * unsignedAt(whole + Layout::kLeasts),
                             minusSum(token, block), total);
        return total;
    }

    const std::byte* m_at;
    const std::byte* m_halves;
    int m_number;
    int m_row;
};

template <class Layout>
struct KRow {
    static float dot(const PackedMatrix& matrix, int group, int row, const ActivationRow& token) {
        const int supers = matrix.columns / kSuperColumns;
        const std::byte* at = matrix.group(group);
        const std::byte* halves = at + supers * Layout::kBytes + std::ptrdiff_t{2} * row;
        float total = 0;
        for (int super = 0; super < supers; ++super, at += Layout::kBytes, halves += Layout::kHalves * 2 * kGroupRows)
            total = SuperRow<Layout>(at, halves, super, row).plus(total, token);
        return total;
    }
};

/// Layout::Runs.
struct RunsRow {
    static float dot(const PackedMatrix& matrix, int group, int row, const ActivationRow& token) {
        const std::byte* at = matrix.group(group);
        float total = 0;
        for (int run = 0; run < matrix.columns / kSumColumns; ++run, at += kRunBytes) {
            const std::int8_t* digits = digitsAt(token, run * kSumColumns);
            int dot = 0;
            for (int i = 0; i < kSumColumns; ++i)
                dot += (quadByte(at, i, row) - 128) * integerAt(digits, i);
            const float scale = token.scales[run / 2];
            const std::ptrdiff_t lane = std::ptrdiff_t{4} * row;
            total = std::fma(static_cast<float>(dot), floatAt(at + kRunScales + lane) * scale, total);
            total = std::fma(floatAt(at + kRunOffsets + lane), scale * static_cast<float>(token.sums[run]), total);
        }
        return total;
    }
};

template <class Row>
void rowByRow(const PackedMatrix& matrix, int begin, int end, const ActivationRow* tokens, int count, float* const* outs) {
    for (int group = begin; group < end; ++group)
        for (int token = 0; token < count; ++token)
            for (int row = 0; row < kGroupRows; ++row)
                outs[token][group * kGroupRows + row] = Row::dot(matrix, group, row, tokens[token]);
}

} // namespace

void q4kProduct(const PackedMatrix& matrix, int begin, int end, const ActivationRow* tokens, int count, float* const* outs) {
    rowByRow<KRow<Q4KLayout>>(matrix, begin, end, tokens, count, outs);
}

void q5kProduct(const PackedMatrix& matrix, int begin, int end, const ActivationRow* tokens, int count, float* const* outs) {
    rowByRow<KRow<Q5KLayout>>(matrix, begin, end, tokens, count, outs);
}

void q6kProduct(const PackedMatrix& matrix, int begin, int end, const ActivationRow* tokens, int count, float* const* outs) {
    rowByRow<KRow<Q6KLayout>>(matrix, begin, end, tokens, count, outs);
}

void runsProduct(const PackedMatrix& matrix, int begin, int end, const ActivationRow* tokens, int count, float* const* outs) {
    rowByRow<RunsRow>(matrix, begin, end, tokens, count, outs);
}

} // namespace moescope::backend::scalar
