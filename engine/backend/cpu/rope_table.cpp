#include "engine/backend/cpu/rope_table.h"

#include <cmath>

namespace moescope::backend {

RopeTable::RopeTable(float base, int headSize) {
    for (int pair = 0; pair < headSize / 2; ++pair)
        m_frequencies.push_back(std::pow(static_cast<double>(base), -2.0 * pair / headSize));
}

void RopeTable::reach(int positions) {
    auto position = static_cast<int>(m_cosines.size() / m_frequencies.size());
    for (; position < positions; ++position) {
        for (const double frequency : m_frequencies) {
            m_cosines.push_back(static_cast<float>(std::cos(position * frequency)));
            m_sines.push_back(static_cast<float>(std::sin(position * frequency)));
        }
    }
}

} // namespace moescope::backend
