#pragma once
#include <cstddef>
#include <vector>

namespace moescope::policy {

/// w[layer][first][second]: how much the loss suffers at a layer when the expert `second` is dropped and `first`, ranked above
/// it, speaks in its place; mean over tokens of sum_d g_d^2 (f_first - f_second)_d^2. Immutable once filled; any thread.
class PairTable {
public:
    PairTable() = default;
    PairTable(int layers, int experts)
        : m_layers(layers), m_experts(experts),
          m_values(static_cast<std::size_t>(layers) * static_cast<std::size_t>(experts) * static_cast<std::size_t>(experts)) {}

    bool empty() const { return m_values.empty(); }
    int layers() const { return m_layers; }
    int experts() const { return m_experts; }
    float at(int layer, int first, int second) const { return m_values[index(layer, first, second)]; }
    float& at(int layer, int first, int second) { return m_values[index(layer, first, second)]; }
    friend bool operator==(const PairTable&, const PairTable&) = default;

private:
    std::size_t index(int layer, int first, int second) const {
        const auto experts = static_cast<std::size_t>(m_experts);
        return (static_cast<std::size_t>(layer) * experts + static_cast<std::size_t>(first)) * experts +
               static_cast<std::size_t>(second);
    }
    int m_layers = 0;
    int m_experts = 0;
    std::vector<float> m_values;
};

} // namespace moescope::policy
