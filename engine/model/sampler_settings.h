#pragma once
#include <cstdint>

namespace moescope::model {

/// Names and defaults that people know from llama.cpp. temperature 0 = greedy (lowest id wins ties).
struct SamplerSettings {
    float temperature = 0.8F;
    int topK = 40;              ///< 0 = off
    float topP = 0.95F;         ///< 1 = off
    float minP = 0.05F;         ///< 0 = off
    float repeatPenalty = 1.0F; ///< 1 = off
    int repeatLastN = 64;
    std::uint64_t seed = 0;
    friend bool operator==(const SamplerSettings&, const SamplerSettings&) = default;
};

} // namespace moescope::model
