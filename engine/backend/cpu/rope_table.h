#pragma once
#include <vector>

namespace moescope::backend {

/// Cosines and sines of the rotary position embedding, filled as far as positions have been asked for. Engine thread.
class RopeTable {
public:
    RopeTable(float base, int headSize);
    void reach(int positions); ///< makes entries for positions below this one
    const float* cosines(int position) const { return m_cosines.data() + at(position); }
    const float* sines(int position) const { return m_sines.data() + at(position); }

private:
    std::size_t at(int position) const { return static_cast<std::size_t>(position) * m_frequencies.size(); }

    std::vector<double> m_frequencies;
    std::vector<float> m_cosines;
    std::vector<float> m_sines;
};

} // namespace moescope::backend
