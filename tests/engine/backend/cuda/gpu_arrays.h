#pragma once
#include "engine/backend/cpu/activations.h"
#include "engine/backend/cuda/cuda_backend.h"
#include "engine/backend/cuda/device_memory.h"
#include "engine/backend/cuda/gpu_error.h"
#include "engine/backend/cuda/kernels.h"
#include "tests/engine/backend/random_weights.h"

#include <gtest/gtest.h>

namespace moescope::tests {

/// First line of every test here: without a GPU it skips and says why.
#define MOESCOPE_NEEDS_GPU()                                                                                                   \
    if (const auto problem = backend::cudaProblem())                                                                           \
    GTEST_SKIP() << *problem

template <class Element>
backend::cuda::DeviceArray<Element> upload(const std::vector<Element>& source) {
    backend::cuda::DeviceArray<Element> array(source.size());
    backend::cuda::check(cudaMemcpy(array.data(), source.data(), source.size() * sizeof(Element), cudaMemcpyHostToDevice),
                         "take a test's input");
    return array;
}

template <class Element>
std::vector<Element> download(const Element* source, std::size_t count) {
    std::vector<Element> target(count);
    backend::cuda::check(cudaDeviceSynchronize(), "compute");
    backend::cuda::check(cudaMemcpy(target.data(), source, count * sizeof(Element), cudaMemcpyDeviceToHost),
                         "give a test's output");
    return target;
}

/// Memory that no kernel has written yet reads as NaN.
inline backend::cuda::DeviceArray<float> poisoned(std::size_t count) {
    backend::cuda::DeviceArray<float> array(count);
    backend::cuda::check(cudaMemset(array.data(), 0xFF, count * sizeof(float)), "poison");
    return array;
}

/// A row of the CPU's digits, [block][high, low][32], as the GPU keeps it: [high, low][half of the block][block][16].
inline std::vector<std::int8_t> inPlanes(const std::int8_t* digits, int columns) {
    std::vector<std::int8_t> planes(2 * static_cast<std::size_t>(columns));
    for (int i = 0; i < 2 * columns; ++i)
        planes[static_cast<std::size_t>(i % 64 / 16 * (columns / 2) + i / 64 * 16 + i % 16)] = digits[i];
    return planes;
}

/// Activations on the GPU whose quantised twins the CPU made.
class GpuActivations {
public:
    GpuActivations(int rows, int columns, std::mt19937_64& random) : m_twin(rows, columns) {
        const auto blocks = static_cast<std::size_t>(columns / 32);
        std::vector<float> values;
        std::vector<std::int8_t> digits;
        std::vector<backend::cuda::BlockScale> scales;
        for (int row = 0; row < rows; ++row) {
            const auto one = randomFloats(static_cast<std::size_t>(columns), 2.0F, random);
            std::copy(one.begin(), one.end(), m_twin.values(row));
            m_twin.quantise(row, 0, columns);
            const backend::ActivationRow twin = m_twin.row(row);
            values.insert(values.end(), one.begin(), one.end());
            const auto planes = inPlanes(twin.digits, columns);
            digits.insert(digits.end(), planes.begin(), planes.end());
            for (std::size_t block = 0; block < blocks; ++block)
                scales.push_back({twin.scales[block], twin.corrections[block] / -128});
        }
        m_values = upload(values);
        m_digits = upload(digits);
        m_blocks = upload(scales);
        m_view = {m_values.data(), m_digits.data(), m_blocks.data(), columns};
    }
    const backend::cuda::ActivationView& view() const { return m_view; }
    const backend::Activations& twin() const { return m_twin; }
    /// What a product with weights of that type multiplies with.
    double value(model::TensorType type, int row, int column) const {
        if (type != model::TensorType::Q8_0 && type != model::TensorType::Q4_0)
            return m_twin.values(row)[column];
        const backend::ActivationRow twin = m_twin.row(row);
        const int at = column / 32 * 64 + column % 32;
        return double{twin.scales[column / 32]} * (255 * twin.digits[at] + twin.digits[at + 32]);
    }

private:
    backend::Activations m_twin;
    backend::cuda::DeviceArray<float> m_values;
    backend::cuda::DeviceArray<std::int8_t> m_digits;
    backend::cuda::DeviceArray<backend::cuda::BlockScale> m_blocks;
    backend::cuda::ActivationView m_view;
};

/// A random matrix on the GPU and its values as the file format holds them.
struct GpuMatrix {
    GpuMatrix(model::TensorType type, int rows, int columns, std::mt19937_64& random, int copies = 1) {
        const auto count = static_cast<std::size_t>(rows * columns * copies);
        const auto file = stored(type, randomFloats(count, 1.0F, random));
        values.resize(count);
        model::dequantise(type, file.data(), values);
        matrix = {type, rows, columns, backend::cuda::rowBytes(type, columns), nullptr};
        std::vector<std::byte> packed(matrix.bytes() * static_cast<std::size_t>(copies));
        backend::cuda::packRows(type, file.data(), rows * copies, columns, packed.data());
        memory = upload(packed);
        matrix.data = memory.data();
    }
    double dot(int row, const GpuActivations& x, int input) const {
        double sum = 0;
        for (int column = 0; column < matrix.columns; ++column)
            sum +=
                double{values[static_cast<std::size_t>(row * matrix.columns + column)]} * x.value(matrix.type, input, column);
        return sum;
    }
    std::vector<float> values;
    backend::cuda::DeviceMatrix matrix;
    backend::cuda::DeviceArray<std::byte> memory;
};

/// A call with one tile of the given tokens, input i to output i.
template <int Tokens>
backend::cuda::TileCall<Tokens> oneTile(const GpuMatrix& matrix, const GpuActivations& x, int firstInput, int tokens,
                                        float* out) {
    backend::cuda::TileCall<Tokens> call{};
    call.input = x.view();
    call.rowBytes = matrix.matrix.rowBytes;
    call.tiles = 1;
    call.mostRows = matrix.matrix.rows;
    call.tile[0] = {matrix.matrix.data, out, matrix.matrix.rows, 0, static_cast<std::uint16_t>(tokens)};
    for (int i = 0; i < tokens; ++i)
        call.pair[i] = {static_cast<std::uint16_t>(firstInput + i), static_cast<std::uint16_t>(firstInput + i)};
    return call;
}

} // namespace moescope::tests
