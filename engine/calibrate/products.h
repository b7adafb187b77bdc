#pragma once
// Matrix products in float and double, SIMD by run-time dispatch, one thread. Strides are in elements. `c` is overwritten.

namespace moescope::calibrate {

struct ProductShape {
    int rows = 0;    ///< of a and c
    int columns = 0; ///< of c
    int inner = 0;
};

template <class Real>
struct ConstMatrix {
    const Real* at = nullptr;
    int stride = 0;
};
template <class Real>
struct Matrix {
    Real* at = nullptr;
    int stride = 0;
};

/// c[rows x columns] = a[rows x inner] * b[inner x columns].
void multiply(ProductShape shape, ConstMatrix<float> a, ConstMatrix<float> b, Matrix<float> c);
void multiply(ProductShape shape, ConstMatrix<double> a, ConstMatrix<double> b, Matrix<double> c);

/// c[rows x columns] = a[rows x inner] * transpose of b[columns x inner]: rows of dot products.
void multiplyTransposed(ProductShape shape, ConstMatrix<float> a, ConstMatrix<float> b, Matrix<float> c);
void multiplyTransposed(ProductShape shape, ConstMatrix<double> a, ConstMatrix<double> b, Matrix<double> c);

/// to[columns x rows] = transpose of from[rows x columns].
template <class Real>
void transpose(int rows, int columns, ConstMatrix<Real> from, Matrix<Real> to) {
    constexpr int kBlock = 16; // both sides stay in the first-level cache
    for (int row0 = 0; row0 < rows; row0 += kBlock)
        for (int column0 = 0; column0 < columns; column0 += kBlock)
            for (int row = row0; row < rows && row < row0 + kBlock; ++row)
                for (int column = column0; column < columns && column < column0 + kBlock; ++column)
                    to.at[static_cast<long>(column) * to.stride + row] = from.at[static_cast<long>(row) * from.stride + column];
}

} // namespace moescope::calibrate
