// The plain forward pass on the trained model against transformers in float32 (tests/data/reference-transformers.json).
#include "engine/calibrate/network.h"

#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace moescope::calibrate {
namespace {

using nlohmann::json;

/// Log-probabilities of the reference's five best tokens at every position, and the gates at the last one.
void compare(const std::filesystem::path& path, double logTolerance, double gateTolerance) {
    if (!std::filesystem::exists(path))
        GTEST_SKIP() << "No " << path;
    const json reference =
        json::parse(std::ifstream(std::filesystem::path(MOESCOPE_SOURCE_DIR) / "tests/data/reference-transformers.json"));
    const model::GgufFile file(path);
    const model::ModelConfig config = model::readModelConfig(file);
    Weights<float> weights(file, config, true);
    Network<float> network(weights, 64);
    for (const json& prompt : reference["prompts"]) {
        const std::vector<std::int32_t> ids = prompt["ids"];
        Tape<float> tape;
        network.forward(ids, tape);
        std::vector<double> worst;
        for (std::size_t token = 0; token < ids.size(); ++token) {
            const double total = prompt["logsumexp"][token];
            for (const json& best : prompt["top5"][token])
                worst.push_back(std::abs(best[1].get<double>() - total -
                                         static_cast<double>(tape.logProbabilities.at(static_cast<int>(token))[best[0]])));
        }
        std::ranges::sort(worst);
        EXPECT_LE(worst.back(), logTolerance);
        const int last = static_cast<int>(ids.size()) - 1;
        for (std::size_t layer = 0; layer < tape.layers.size(); ++layer)
            for (std::size_t expert = 0; expert < static_cast<std::size_t>(config.experts); ++expert)
                EXPECT_NEAR(static_cast<double>(tape.layers[layer].experts.probabilities.at(last)[expert]),
                            prompt["router_softmax_last"][layer][expert].get<double>(), gateTolerance);
    }
}

TEST(Transformers, TheF16ModelGivesTheSameNumbers) {
    // The reference is rounded to five digits behind the point.
    compare(std::filesystem::path(MOESCOPE_SHARED_DIR) / "models/tales-moe/model-f16.gguf", 2e-4, 2e-5);
}

} // namespace
} // namespace moescope::calibrate
