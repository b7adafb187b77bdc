#pragma once
#include "engine/backend/cuda/tile_call.h"

#include <algorithm>
#include <span>

namespace moescope::backend::cuda {

/// Collects products with one input and hands them to `launch(type, call)` in as few calls as their parameters hold.
template <int Tokens, class Launch>
class TileBatch {
public:
    TileBatch(const ActivationView& input, Launch launch) : m_launch(std::move(launch)) { m_call.input = input; }

    /// One matrix and the tokens that go through it.
    void add(const DeviceMatrix& matrix, float* out, std::span<const RowPair> pairs) {
        if (matrix.type != m_type || matrix.rowBytes != m_call.rowBytes)
            flush();
        m_type = matrix.type;
        m_call.rowBytes = matrix.rowBytes;
        while (!pairs.empty()) {
            const std::size_t tokens = std::min<std::size_t>(Tokens, pairs.size());
            if (m_call.tiles == TileCall<Tokens>::kMostTiles || m_pairs + tokens > TileCall<Tokens>::kMostPairs)
                flush();
            m_call.tile[m_call.tiles++] = {matrix.data, out, matrix.rows, static_cast<std::uint16_t>(m_pairs),
                                           static_cast<std::uint16_t>(tokens)};
            m_call.mostRows = std::max(m_call.mostRows, matrix.rows);
            std::copy_n(pairs.begin(), tokens, m_call.pair + m_pairs);
            m_pairs += tokens;
            pairs = pairs.subspan(tokens);
        }
    }
    void flush() {
        if (m_call.tiles > 0)
            m_launch(m_type, m_call);
        m_call.tiles = 0;
        m_call.mostRows = 0;
        m_pairs = 0;
    }

private:
    Launch m_launch;
    model::TensorType m_type = model::TensorType::F32;
    std::size_t m_pairs = 0;
    TileCall<Tokens> m_call{};
};

} // namespace moescope::backend::cuda
