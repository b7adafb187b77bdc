#pragma once
// The small functions of the forward and reverse pass, as plain loops. rms norm: Zhang and Sennrich 2019; rotary positions: Su
// et al. 2021, on neighbouring pairs as GGUF files of the Llama family store them.
#include "engine/calibrate/rows.h"
#include "engine/model/fast_exp.h"

#include <cmath>

namespace moescope::calibrate {

inline float exponential(float x) {
    return model::fastExp(x);
}
inline double exponential(double x) {
    return std::exp(x);
}

/// out = x / rms(x) * weight, row by row; inverse[row] receives 1 / rms.
template <class Real>
void rmsNorm(const Rows<Real>& x, std::span<const Real> weight, float epsilon, Rows<Real>& out, std::vector<Real>& inverse) {
    out.shape(x.count(), x.width());
    inverse.resize(static_cast<std::size_t>(x.count()));
    for (int row = 0; row < x.count(); ++row) {
        const double mean = dot<Real>(x.at(row), x.at(row)) / x.width();
        const Real factor = static_cast<Real>(1.0 / std::sqrt(mean + static_cast<double>(epsilon)));
        inverse[static_cast<std::size_t>(row)] = factor;
        for (int i = 0; i < x.width(); ++i)
            out.row(row)[i] = x.row(row)[i] * factor * weight[static_cast<std::size_t>(i)];
    }
}

/// Adds to gradient what dOut, the loss's gradient at rmsNorm's result, means at its input x.
template <class Real>
void rmsNormReverse(const Rows<Real>& x, std::span<const Real> weight, const std::vector<Real>& inverse, const Rows<Real>& dOut,
                    Rows<Real>& gradient) {
    const auto width = static_cast<std::size_t>(x.width());
    for (int row = 0; row < x.count(); ++row) {
        const Real factor = inverse[static_cast<std::size_t>(row)];
        const Real* in = x.row(row);
        const Real* at = dOut.row(row);
        double along = 0;
        for (std::size_t i = 0; i < width; ++i)
            along += static_cast<double>(at[i] * weight[i]) * static_cast<double>(in[i]);
        const Real share = static_cast<Real>(along / static_cast<double>(width)) * factor * factor * factor;
        for (std::size_t i = 0; i < width; ++i)
            gradient.row(row)[i] += factor * weight[i] * at[i] - share * in[i];
    }
}

/// exp(x - most) / sum in place.
template <class Real>
void softmaxInPlace(std::span<Real> values) {
    const Real most = *std::max_element(values.begin(), values.end());
    for (Real& value : values)
        value = exponential(value - most);
    double sum = 0;
    for (const Real value : values)
        sum += static_cast<double>(value);
    const Real inverse = static_cast<Real>(1 / sum);
    for (Real& value : values)
        value *= inverse;
}

/// Cosines and sines per position and pair; turn() rotates the heads of a row, back by sign -1.
template <class Real>
class Rotation {
public:
    Rotation(float base, int headSize, int positions) : m_pairs(headSize / 2) {
        for (int position = 0; position < positions; ++position)
            for (int pair = 0; pair < m_pairs; ++pair) {
                const double angle = position * std::pow(static_cast<double>(base), -2.0 * pair / headSize);
                m_cosines.push_back(static_cast<Real>(std::cos(angle)));
                m_sines.push_back(static_cast<Real>(std::sin(angle)));
            }
    }
    void turn(std::span<Real> row, int position, Real sign) const {
        const std::size_t first = static_cast<std::size_t>(position) * static_cast<std::size_t>(m_pairs);
        for (std::size_t at = 0; at < row.size(); at += 2) {
            const std::size_t angle = first + at / 2 % static_cast<std::size_t>(m_pairs);
            const Real even = row[at];
            const Real odd = row[at + 1];
            row[at] = even * m_cosines[angle] - odd * sign * m_sines[angle];
            row[at + 1] = even * sign * m_sines[angle] + odd * m_cosines[angle];
        }
    }

private:
    int m_pairs;
    std::vector<Real> m_cosines;
    std::vector<Real> m_sines;
};

} // namespace moescope::calibrate
