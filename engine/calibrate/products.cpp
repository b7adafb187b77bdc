#include "engine/calibrate/products.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/calibrate/products.cpp"
#include <hwy/foreach_target.h>
// Highway wants its own headers after foreach_target.
#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>

HWY_BEFORE_NAMESPACE();
namespace moescope::calibrate::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int kTileRows = 4; // kTileRows * kTileVectors sums stay in registers
constexpr int kTileVectors = 3;

template <class Real>
const Real* rowOf(ConstMatrix<Real> matrix, int row) {
    return matrix.at + static_cast<std::ptrdiff_t>(row) * matrix.stride;
}
template <class Real>
Real* rowOf(Matrix<Real> matrix, int row) {
    return matrix.at + static_cast<std::ptrdiff_t>(row) * matrix.stride;
}

/// Rows of c from `row`, Vectors vectors of its columns from `column`.
template <int TileRows, int Vectors, class Real>
void outerTile(int row, int column, int inner, ConstMatrix<Real> a, ConstMatrix<Real> b, Matrix<Real> c) {
    const hn::ScalableTag<Real> d;
    const auto lanes = static_cast<int>(hn::Lanes(d));
    hn::Vec<decltype(d)> sums[TileRows][Vectors];
    for (auto& ofRow : sums)
        for (auto& sum : ofRow)
            sum = hn::Zero(d);
    const Real* factors[TileRows];
    for (int i = 0; i < TileRows; ++i)
        factors[i] = rowOf(a, row + i);
    const Real* other = b.at + column;
    for (int k = 0; k < inner; ++k, other += b.stride) {
        hn::Vec<decltype(d)> values[Vectors];
        for (int vector = 0; vector < Vectors; ++vector)
            values[vector] = hn::LoadU(d, other + vector * lanes);
        for (int i = 0; i < TileRows; ++i) {
            const auto factor = hn::Set(d, factors[i][k]);
            for (int vector = 0; vector < Vectors; ++vector)
                sums[i][vector] = hn::MulAdd(factor, values[vector], sums[i][vector]);
        }
    }
    for (int i = 0; i < TileRows; ++i)
        for (int vector = 0; vector < Vectors; ++vector)
            hn::StoreU(sums[i][vector], d, rowOf(c, row + i) + column + vector * lanes);
}

template <int Vectors, class Real>
void outerColumns(ProductShape shape, int column, ConstMatrix<Real> a, ConstMatrix<Real> b, Matrix<Real> c) {
    int row = 0;
    for (; row + kTileRows <= shape.rows; row += kTileRows)
        outerTile<kTileRows, Vectors>(row, column, shape.inner, a, b, c);
    for (; row < shape.rows; ++row)
        outerTile<1, Vectors>(row, column, shape.inner, a, b, c);
}

template <class Real>
void multiplyAny(ProductShape shape, ConstMatrix<Real> a, ConstMatrix<Real> b, Matrix<Real> c) {
    const auto lanes = static_cast<int>(hn::Lanes(hn::ScalableTag<Real>()));
    int column = 0;
    for (; column + kTileVectors * lanes <= shape.columns; column += kTileVectors * lanes)
        outerColumns<kTileVectors>(shape, column, a, b, c);
    for (; column + lanes <= shape.columns; column += lanes)
        outerColumns<1>(shape, column, a, b, c);
    for (; column < shape.columns; ++column)
        for (int row = 0; row < shape.rows; ++row) {
            Real sum = 0;
            for (int k = 0; k < shape.inner; ++k)
                sum += rowOf(a, row)[k] * rowOf(b, k)[column];
            rowOf(c, row)[column] = sum;
        }
}

template <int TileRows, int TileColumns, class Real>
void dotTile(int row, int column, int inner, ConstMatrix<Real> a, ConstMatrix<Real> b, Matrix<Real> c) {
    const hn::ScalableTag<Real> d;
    const auto lanes = static_cast<int>(hn::Lanes(d));
    hn::Vec<decltype(d)> sums[TileRows][TileColumns];
    for (auto& ofRow : sums)
        for (auto& sum : ofRow)
            sum = hn::Zero(d);
    const Real* left = rowOf(a, row);
    const Real* right = rowOf(b, column);
    int k = 0;
    for (; k + lanes <= inner; k += lanes) {
        hn::Vec<decltype(d)> values[TileColumns];
        for (int j = 0; j < TileColumns; ++j)
            values[j] = hn::LoadU(d, right + static_cast<std::ptrdiff_t>(j) * b.stride + k);
        for (int i = 0; i < TileRows; ++i) {
            const auto value = hn::LoadU(d, left + static_cast<std::ptrdiff_t>(i) * a.stride + k);
            for (int j = 0; j < TileColumns; ++j)
                sums[i][j] = hn::MulAdd(value, values[j], sums[i][j]);
        }
    }
    for (int i = 0; i < TileRows; ++i)
        for (int j = 0; j < TileColumns; ++j) {
            Real sum = hn::GetLane(hn::SumOfLanes(d, sums[i][j]));
            for (int rest = k; rest < inner; ++rest)
                sum += rowOf(a, row + i)[rest] * rowOf(b, column + j)[rest];
            rowOf(c, row + i)[column + j] = sum;
        }
}

template <int TileColumns, class Real>
void dotColumns(ProductShape shape, int column, ConstMatrix<Real> a, ConstMatrix<Real> b, Matrix<Real> c) {
    int row = 0;
    for (; row + kTileRows <= shape.rows; row += kTileRows)
        dotTile<kTileRows, TileColumns>(row, column, shape.inner, a, b, c);
    for (; row < shape.rows; ++row)
        dotTile<1, TileColumns>(row, column, shape.inner, a, b, c);
}

template <class Real>
void multiplyTransposedAny(ProductShape shape, ConstMatrix<Real> a, ConstMatrix<Real> b, Matrix<Real> c) {
    int column = 0;
    for (; column + kTileVectors <= shape.columns; column += kTileVectors)
        dotColumns<kTileVectors>(shape, column, a, b, c);
    for (; column < shape.columns; ++column)
        dotColumns<1>(shape, column, a, b, c);
}

void multiplyFloat(ProductShape shape, ConstMatrix<float> a, ConstMatrix<float> b, Matrix<float> c) {
    multiplyAny(shape, a, b, c);
}
void multiplyDouble(ProductShape shape, ConstMatrix<double> a, ConstMatrix<double> b, Matrix<double> c) {
    multiplyAny(shape, a, b, c);
}
void multiplyTransposedFloat(ProductShape shape, ConstMatrix<float> a, ConstMatrix<float> b, Matrix<float> c) {
    multiplyTransposedAny(shape, a, b, c);
}
void multiplyTransposedDouble(ProductShape shape, ConstMatrix<double> a, ConstMatrix<double> b, Matrix<double> c) {
    multiplyTransposedAny(shape, a, b, c);
}

} // namespace
} // namespace moescope::calibrate::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace moescope::calibrate {

HWY_EXPORT(multiplyFloat);
HWY_EXPORT(multiplyDouble);
HWY_EXPORT(multiplyTransposedFloat);
HWY_EXPORT(multiplyTransposedDouble);

void multiply(ProductShape shape, ConstMatrix<float> a, ConstMatrix<float> b, Matrix<float> c) {
    HWY_DYNAMIC_DISPATCH(multiplyFloat)(shape, a, b, c);
}
void multiply(ProductShape shape, ConstMatrix<double> a, ConstMatrix<double> b, Matrix<double> c) {
    HWY_DYNAMIC_DISPATCH(multiplyDouble)(shape, a, b, c);
}
void multiplyTransposed(ProductShape shape, ConstMatrix<float> a, ConstMatrix<float> b, Matrix<float> c) {
    HWY_DYNAMIC_DISPATCH(multiplyTransposedFloat)(shape, a, b, c);
}
void multiplyTransposed(ProductShape shape, ConstMatrix<double> a, ConstMatrix<double> b, Matrix<double> c) {
    HWY_DYNAMIC_DISPATCH(multiplyTransposedDouble)(shape, a, b, c);
}

} // namespace moescope::calibrate
#endif
