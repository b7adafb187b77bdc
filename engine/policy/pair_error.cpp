#include "engine/policy/pair_error.h"

#include <cmath>
#include <fmt/format.h>
#include <stdexcept>

namespace moescope::policy {

double pairError(const PairTable& table, int layer, const GateChoice& choice, std::uint32_t ranks) {
    double keptMass = 0;
    double droppedMass = 0;
    double sum = 0;
    for (int j = 0; j < choice.candidates; ++j) {
        const auto dropped = static_cast<std::size_t>(j);
        const auto weight = static_cast<double>(choice.candidateWeights[dropped]);
        if ((ranks >> dropped & 1U) != 0) {
            keptMass += weight;
            continue;
        }
        droppedMass += weight;
        for (int i = 0; i < choice.candidates; ++i) {
            const auto kept = static_cast<std::size_t>(i);
            if ((ranks >> kept & 1U) == 0)
                continue;
            const int first = i < j ? choice.ids[kept] : choice.ids[dropped];
            const int second = i < j ? choice.ids[dropped] : choice.ids[kept];
            sum += weight * static_cast<double>(choice.candidateWeights[kept]) *
                   static_cast<double>(table.at(layer, first, second));
        }
    }
    return keptMass > 0 ? droppedMass * sum / keptMass : 0;
}

std::shared_ptr<const PairTable> checkedPairs(const GateParameters& parameters, std::string_view gate) {
    const PairTable* table = parameters.pairs.get();
    if (!table || table->empty())
        throw std::invalid_argument(
            fmt::format("The {} gate needs a calibration file with pair-wise sensitivities of this model.", gate));
    for (int layer = 0; layer < table->layers(); ++layer)
        for (int first = 0; first < table->experts(); ++first)
            for (int second = 0; second < table->experts(); ++second)
                if (const float value = table->at(layer, first, second); !std::isfinite(value) || value < 0)
                    throw std::invalid_argument(
                        fmt::format("The pair sensitivity of layer {}, experts {} and {} must be 0 or more, "
                                    "not {}.",
                                    layer, first, second, value));
    return parameters.pairs;
}

} // namespace moescope::policy
