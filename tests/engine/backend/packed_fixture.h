#pragma once
#include "engine/backend/cpu/memory_region.h"
#include "engine/backend/cpu/weight_layout.h"
#include "tests/engine/backend/random_weights.h"

namespace moescope::tests {

/// A random matrix in its file's format, packed, and as plain floats.
struct PackedFixture {
    PackedFixture(model::TensorType type, int rows, int columns, std::mt19937_64& random)
        : values(static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns)) {
        file = stored(type, randomFloats(values.size(), 0.2F, random));
        pack(type, rows, columns);
    }
    /// Takes bytes as they are, for extreme quants.
    PackedFixture(model::TensorType type, int rows, int columns, std::vector<std::byte> bytes)
        : file(std::move(bytes)), values(static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns)) {
        pack(type, rows, columns);
    }

    std::vector<std::byte> file;
    std::vector<float> values; ///< [rows][columns], decoded
    backend::MemoryRegion region;
    backend::PackedMatrix matrix;

private:
    void pack(model::TensorType type, int rows, int columns) {
        model::dequantise(type, file.data(), values);
        const std::size_t stride = backend::groupBytes(type, columns);
        matrix = {type, rows, columns, stride, nullptr};
        region = backend::MemoryRegion(stride * static_cast<std::size_t>(matrix.groups()));
        const auto rowBytes = static_cast<std::int64_t>(file.size()) / rows;
        for (int group = 0; group < matrix.groups(); ++group)
            backend::packGroup(type, file.data() + group * backend::kGroupRows * rowBytes, rowBytes,
                               std::min(backend::kGroupRows, rows - group * backend::kGroupRows), columns,
                               region.data() + static_cast<std::size_t>(group) * stride);
        matrix.data = region.data();
    }
};

/// The same product in double, from the decoded weights and the given activations.
inline std::vector<double> plainProduct(const PackedFixture& weights, std::span<const float> activations) {
    std::vector<double> sums;
    const auto columns = static_cast<std::size_t>(weights.matrix.columns);
    for (int row = 0; row < weights.matrix.rows; ++row) {
        double sum = 0;
        for (std::size_t column = 0; column < columns; ++column)
            sum += double{weights.values[static_cast<std::size_t>(row) * columns + column]} * double{activations[column]};
        sums.push_back(sum);
    }
    return sums;
}

/// What rounding may come to: the sum of the magnitudes that were added.
inline std::vector<double> plainMagnitudes(const PackedFixture& weights, std::span<const float> activations) {
    std::vector<double> sums(static_cast<std::size_t>(weights.matrix.rows));
    const auto columns = static_cast<std::size_t>(weights.matrix.columns);
    for (std::size_t i = 0; i < weights.values.size(); ++i)
        sums[i / columns] += std::abs(double{weights.values[i]} * double{activations[i % columns]});
    return sums;
}

} // namespace moescope::tests
