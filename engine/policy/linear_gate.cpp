#include "engine/policy/linear_gate.h"

#include "engine/policy/gate_choice.h"

namespace moescope::policy {

void LinearGate::predict(std::span<const float> input, std::span<float> probabilities) const {
    for (std::size_t expert = 0; expert < probabilities.size(); ++expert) {
        const auto row = std::span(weights).subspan(expert * input.size(), input.size());
        float sum = bias[expert];
        for (std::size_t i = 0; i < input.size(); ++i)
            sum += row[i] * input[i];
        probabilities[expert] = sum;
    }
    softmax(probabilities, probabilities);
}

} // namespace moescope::policy
