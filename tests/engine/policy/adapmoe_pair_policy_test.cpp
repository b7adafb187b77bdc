#include "engine/policy/adapmoe_pair_policy.h"

#include "engine/policy/adapmoe_policy.h"
#include "engine/policy/pair_error.h"
#include "tests/engine/policy/gate_fixture.h"

#include <gmock/gmock.h>

namespace moescope::policy {
namespace {

using trace::expertKey;

/// Experts as vectors: outputs f[e][d] and squared gradients g2[d], from which every pair's true w follows.
struct VectorExperts {
    std::vector<std::vector<double>> f;
    std::vector<double> g2;

    VectorExperts(std::mt19937& random, int experts, int width) {
        std::normal_distribution<double> normal(0, 1);
        f.assign(static_cast<std::size_t>(experts), std::vector<double>(static_cast<std::size_t>(width)));
        for (auto& output : f)
            for (double& x : output)
                x = normal(random);
        for (int d = 0; d < width; ++d)
            g2.push_back(normal(random) * normal(random));
        for (double& g : g2)
            g *= g;
    }
    double squared(const std::vector<double>& delta) const {
        double sum = 0;
        for (std::size_t d = 0; d < g2.size(); ++d)
            sum += g2[d] * delta[d] * delta[d];
        return sum;
    }
    std::shared_ptr<const PairTable> table() const {
        const int experts = static_cast<int>(f.size());
        auto pairs = std::make_shared<PairTable>(1, experts);
        for (int a = 0; a < experts; ++a)
            for (int b = 0; b < experts; ++b) {
                std::vector<double> delta(g2.size());
                for (std::size_t d = 0; d < g2.size(); ++d)
                    delta[d] = f[static_cast<std::size_t>(a)][d] - f[static_cast<std::size_t>(b)][d];
                pairs->at(0, a, b) = static_cast<float>(squared(delta));
            }
        return pairs;
    }
    /// What really happens to the output when only `ranks` are kept and their weights renormalised.
    double trueError(const GateChoice& all, std::uint32_t ranks) const {
        double kept = 0;
        for (std::size_t r = 0; r < static_cast<std::size_t>(all.candidates); ++r)
            kept += (ranks >> r & 1U) != 0 ? static_cast<double>(all.candidateWeights[r]) : 0;
        std::vector<double> delta(g2.size());
        for (std::size_t r = 0; r < static_cast<std::size_t>(all.candidates); ++r) {
            const auto weight = static_cast<double>(all.candidateWeights[r]);
            const double after = (ranks >> r & 1U) != 0 ? weight / kept : 0;
            for (std::size_t d = 0; d < delta.size(); ++d)
                delta[d] += (after - weight) * f[all.ids[r]][d];
        }
        return squared(delta);
    }
};

TEST(PairError, IsExactForTwoExpertsAndABoundForMore) {
    std::mt19937 random(19);
    for (int round = 0; round < 400; ++round) {
        const VectorExperts experts(random, 8, 5);
        const auto table = experts.table();
        const auto logits = randomLogits(random, 8);
        std::vector<float> p(8);
        const int topK = 2 + round % 5;
        const GateChoice all = topKChoice(logits, {.topK = topK}, p);
        for (std::uint32_t ranks = 1; ranks < firstRanks(topK); ++ranks) {
            const double truth = experts.trueError(all, ranks);
            const double estimate = pairError(*table, 0, all, ranks);
            if (topK == 2) {
                if (ranks == 1) {
                    ASSERT_NEAR(estimate, truth, 1e-4 * truth + 1e-9);
                }
            } else {
                ASSERT_GE(estimate, truth * (1 - 1e-4) - 1e-9);
            }
        }
        EXPECT_EQ(pairError(*table, 0, all, firstRanks(topK)), 0);
    }
}

TEST(PairError, ByHand) {
    auto table = std::make_shared<PairTable>(1, 3);
    table->at(0, 0, 1) = 2;
    table->at(0, 0, 2) = 8;
    table->at(0, 1, 2) = 5;
    std::vector<float> p(3);
    const GateChoice all = topKChoice(logitsOfWeights({.5, .3, .2}), {.topK = 3}, p);
    // Dropped 1 and 2 in favour of 0: .5 * (.3 * 2 + .2 * 8).
    EXPECT_NEAR(pairError(*table, 0, all, 0b001), .5 * (.3 * 2 + .2 * 8), 1e-6);
    // Dropped 2: .2 * .2 * (.625 * 8 + .375 * 5).
    EXPECT_NEAR(pairError(*table, 0, all, 0b011), .2 * .2 * (.625 * 8 + .375 * 5), 1e-6);
    // Dropped 1, the middle one: of the pair (1, 2) the first is 1.
    EXPECT_NEAR(pairError(*table, 0, all, 0b101), .3 * .3 * (5. / 7 * 2 + 2. / 7 * 5), 1e-6);
}

TEST(AdapmoePairPolicy, ForTwoExpertsItIsTheSquareOfTheSecondWeightTimesThePair) {
    std::mt19937 random(23);
    const auto pairs = randomPairs(random, 3, 8);
    for (int round = 0; round < 1000; ++round) {
        const double threshold = 0.001 * (1 + round % 200);
        GateParameters parameters{.threshold = threshold, .sensitivity = {}};
        parameters.pairs = pairs;
        const auto logits = randomLogits(random, 8);
        const int layer = round % 3;
        const GateChoice choice = chooseWith(AdapmoePairPolicy(parameters), {.layer = layer, .logits = logits, .rule = {}});
        const auto second = static_cast<double>(choice.candidateWeights[1]);
        const auto w = static_cast<double>(pairs->at(layer, choice.ids[0], choice.ids[1]));
        ASSERT_EQ(choice.kept, second * second * w <= threshold ? 1 : 2);
    }
}

TEST(AdapmoePairPolicy, WithEqualPairsItIsAdapmoe) {
    std::mt19937 random(29);
    auto pairs = std::make_shared<PairTable>(1, 16);
    for (int first = 0; first < 16; ++first)
        for (int second = 0; second < 16; ++second)
            pairs->at(0, first, second) = 0.75F;
    for (int round = 0; round < 500; ++round) {
        GateParameters parameters{.threshold = 0.002 * (1 + round % 100), .sensitivity = {0.75}};
        parameters.pairs = pairs;
        const auto logits = randomLogits(random, 16);
        const GateQuestion question{.layer = 0, .logits = logits, .rule = {.topK = 1 + round % 8}};
        ASSERT_EQ(chooseWith(AdapmoePairPolicy(parameters), question).kept,
                  chooseWith(AdapmoePolicy(parameters), question).kept);
    }
}

TEST(AdapmoePairPolicy, OutsideItsTableNothingIsDropped) {
    std::mt19937 random(31);
    for (const char* name : {"adapmoe-pair", "adapmoe-residency"}) {
        GateParameters parameters{.threshold = 100, .sensitivity = {}};
        parameters.pairs = randomPairs(random, 2, 4);
        const auto policy = makeGatePolicy(name, parameters);
        const ResidentSet nothing;
        const auto four = logitsOfWeights({.9, .05, .03, .02});
        const auto five = logitsOfWeights({.9, .05, .03, .01, .01});
        EXPECT_EQ(chooseWith(*policy, {.layer = 1, .logits = four, .rule = {}, .residency = &nothing}).kept, 1);
        EXPECT_EQ(chooseWith(*policy, {.layer = 2, .logits = four, .rule = {}, .residency = &nothing}).kept, 2);
        EXPECT_EQ(chooseWith(*policy, {.layer = 1, .logits = five, .rule = {}, .residency = &nothing}).kept, 2);
    }
}

TEST(AdapmoePairPolicy, MissingOrImpossiblePairsAreRefused) {
    for (const char* name : {"adapmoe-pair", "adapmoe-residency"}) {
        EXPECT_THROW(makeGatePolicy(name, {.threshold = .1, .sensitivity = {1}}), std::invalid_argument);
        GateParameters parameters{.threshold = .1, .sensitivity = {}};
        auto table = std::make_shared<PairTable>(1, 2);
        table->at(0, 0, 1) = -1;
        parameters.pairs = table;
        EXPECT_THROW(makeGatePolicy(name, parameters), std::invalid_argument);
    }
}

GateParameters evenPairs(double threshold) {
    GateParameters parameters{.threshold = threshold, .sensitivity = {}};
    auto pairs = std::make_shared<PairTable>(1, 4);
    for (int first = 0; first < 4; ++first)
        for (int second = 0; second < 4; ++second)
            pairs->at(0, first, second) = 1;
    parameters.pairs = pairs;
    return parameters;
}

TEST(AdapmoeResidencyPolicy, DropsOnlyWhatIsNotResident) {
    const auto policy = makeGatePolicy("adapmoe-residency", evenPairs(0.05)); // P_D up to .2236
    const auto logits = logitsOfWeights({.5, .3, .15, .05});
    const auto keptWith = [&](const Residency* residency) {
        const GateChoice choice =
            chooseWith(*policy, {.layer = 0, .logits = logits, .rule = {.topK = 4}, .residency = residency});
        return std::vector<int>(choice.ids.begin(), choice.ids.begin() + choice.kept);
    };
    const ResidentSet nothing;
    const ResidentSet last{expertKey(0, 3)};
    const ResidentSet third{expertKey(0, 2)};
    const ResidentSet all{expertKey(0, 0), expertKey(0, 1), expertKey(0, 2), expertKey(0, 3)};
    using testing::ElementsAre;
    EXPECT_THAT(keptWith(&nothing), ElementsAre(0, 1));  // .05 + .15 go
    EXPECT_THAT(keptWith(&last), ElementsAre(0, 1, 3));  // the last costs nothing
    EXPECT_THAT(keptWith(&third), ElementsAre(0, 1, 2)); // .05 goes, then .30 is too much
    EXPECT_THAT(keptWith(&all), ElementsAre(0, 1, 2, 3));
    EXPECT_THAT(keptWith(nullptr), ElementsAre(0, 1, 2, 3));
}

TEST(AdapmoeResidencyPolicy, AMissingBestExpertStillRuns) {
    const auto policy = makeGatePolicy("adapmoe-residency", evenPairs(100));
    const auto logits = logitsOfWeights({.5, .3, .15, .05});
    const ResidentSet third{expertKey(0, 2)};
    const GateChoice choice = chooseWith(*policy, {.layer = 0, .logits = logits, .rule = {.topK = 4}, .residency = &third});
    ASSERT_EQ(choice.kept, 2);
    EXPECT_EQ(choice.ids[0], 0);
    EXPECT_EQ(choice.ids[1], 2);
    EXPECT_NEAR(choice.weights[0], .5 / .65, 1e-6);
    EXPECT_NEAR(choice.weights[1], .15 / .65, 1e-6);
    EXPECT_NEAR(choice.droppedShare(), .35, 1e-6);
}

TEST(AdapmoeResidencyPolicy, WithAnEmptyCacheItIsThePairRule) {
    std::mt19937 random(37);
    const ResidentSet nothing;
    for (int round = 0; round < 500; ++round) {
        const GateParameters parameters = parametersFor(4, 8, 0.002 * (round % 150));
        const auto logits = randomLogits(random, 8);
        const GateQuestion question{.layer = round % 4, .logits = logits, .rule = {}, .residency = &nothing};
        ASSERT_EQ(chooseWith(*makeGatePolicy("adapmoe-residency", parameters), question).kept,
                  chooseWith(*makeGatePolicy("adapmoe-pair", parameters), question).kept);
    }
}

} // namespace
} // namespace moescope::policy
