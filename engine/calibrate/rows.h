#pragma once
#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace moescope::calibrate {

/// A dense matrix, row after row: one row per token, say. A value; grows and shrinks without giving memory back.
template <class Real>
class Rows {
public:
    Rows() = default;
    Rows(int count, int width) { shape(count, width); }

    /// Another size, all zero.
    void shape(int count, int width) {
        m_count = count;
        m_width = width;
        m_values.assign(static_cast<std::size_t>(count) * static_cast<std::size_t>(width), Real{0});
    }
    int count() const { return m_count; }
    int width() const { return m_width; }
    Real* row(int index) { return m_values.data() + static_cast<std::ptrdiff_t>(index) * m_width; }
    const Real* row(int index) const { return m_values.data() + static_cast<std::ptrdiff_t>(index) * m_width; }
    std::span<Real> at(int index) { return {row(index), static_cast<std::size_t>(m_width)}; }
    std::span<const Real> at(int index) const { return {row(index), static_cast<std::size_t>(m_width)}; }
    std::span<Real> all() { return m_values; }
    std::span<const Real> all() const { return m_values; }

    void add(const Rows& other) {
        for (std::size_t i = 0; i < m_values.size(); ++i)
            m_values[i] += other.m_values[i];
    }

private:
    int m_count = 0;
    int m_width = 0;
    std::vector<Real> m_values;
};

/// Sum of a[i] * b[i] in double precision, whatever the element type.
template <class Real>
double dot(std::span<const Real> a, std::span<const Real> b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    return sum;
}

} // namespace moescope::calibrate
