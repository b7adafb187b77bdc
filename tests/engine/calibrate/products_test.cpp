#include "engine/calibrate/products.h"

#include <cmath>
#include <gtest/gtest.h>
#include <random>
#include <vector>

namespace moescope::calibrate {
namespace {

template <class Real>
struct Case {
    ProductShape shape;
    int spare; ///< elements between the rows
    std::vector<Real> a, b, bTurned;

    Case(ProductShape given, int gap, std::mt19937& random) : shape(given), spare(gap) {
        std::normal_distribution<double> normal(0, 1);
        a.resize(static_cast<std::size_t>(shape.rows * (shape.inner + spare)));
        b.resize(static_cast<std::size_t>(shape.inner * (shape.columns + spare)));
        bTurned.resize(static_cast<std::size_t>(shape.columns * (shape.inner + spare)));
        for (Real& value : a)
            value = static_cast<Real>(normal(random));
        for (Real& value : b)
            value = static_cast<Real>(normal(random));
        transpose(shape.inner, shape.columns, ConstMatrix<Real>{b.data(), shape.columns + spare},
                  Matrix<Real>{bTurned.data(), shape.inner + spare});
    }
    double expected(int row, int column) const {
        double sum = 0;
        for (int k = 0; k < shape.inner; ++k)
            sum += static_cast<double>(a[static_cast<std::size_t>(row * (shape.inner + spare) + k)]) *
                   static_cast<double>(b[static_cast<std::size_t>(k * (shape.columns + spare) + column)]);
        return sum;
    }
    void check(const std::vector<Real>& c, double tolerance) const {
        for (int row = 0; row < shape.rows; ++row) {
            for (int column = 0; column < shape.columns; ++column)
                ASSERT_NEAR(static_cast<double>(c[static_cast<std::size_t>(row * (shape.columns + spare) + column)]),
                            expected(row, column), tolerance)
                    << shape.rows << " x " << shape.columns << " x " << shape.inner;
            for (int gap = 0; gap < spare; ++gap)
                ASSERT_EQ(c[static_cast<std::size_t>(row * (shape.columns + spare) + shape.columns + gap)], Real{7})
                    << "written beside the matrix";
        }
    }
};

template <class Real>
void compare(double tolerance) {
    std::mt19937 random(5);
    for (const ProductShape shape : {ProductShape{1, 1, 1}, {3, 7, 5}, {4, 48, 16}, {9, 65, 33}, {64, 100, 31}, {5, 2, 130}})
        for (const int spare : {0, 3}) {
            const Case<Real> one(shape, spare, random);
            std::vector<Real> c(static_cast<std::size_t>(shape.rows * (shape.columns + spare)), Real{7});
            const Matrix<Real> out{c.data(), shape.columns + spare};
            multiply(shape, {one.a.data(), shape.inner + spare}, {one.b.data(), shape.columns + spare}, out);
            one.check(c, tolerance);
            std::fill(c.begin(), c.end(), Real{7});
            multiplyTransposed(shape, {one.a.data(), shape.inner + spare}, {one.bTurned.data(), shape.inner + spare}, out);
            one.check(c, tolerance);
        }
}

TEST(Products, InFloatEqualPlainLoops) {
    compare<float>(2e-5);
}

TEST(Products, InDoubleEqualPlainLoops) {
    compare<double>(1e-12);
}

} // namespace
} // namespace moescope::calibrate
