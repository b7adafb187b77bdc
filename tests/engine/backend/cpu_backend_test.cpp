#include "engine/backend/cpu/cpu_backend.h"

#include "engine/backend/cpu/int8_kernels.h"
#include "tests/engine/backend/backend_runner.h"
#include "tests/engine/backend/typed_model.h"
#include "tests/support/reference_model.h"

#include <gtest/gtest.h>

namespace moescope::backend {
namespace {

using model::TensorType;

struct Loaded {
    explicit Loaded(const tests::GgufWriter& writer)
        : bytes(writer.bytes()), file(bytes, "made-up.gguf"), config(model::readModelConfig(file)) {}
    std::vector<std::byte> bytes;
    model::GgufFile file;
    model::ModelConfig config;
};

const tests::TinyModelShape kShape{
    .layers = 3, .hidden = 96, .heads = 6, .kvHeads = 2, .experts = 5, .topK = 3, .expertWidth = 160};

/// As wide as the type's blocks.
tests::TinyModelShape shapeFor(TensorType type) {
    tests::TinyModelShape shape = kShape;
    if (model::typeTraits(type).blockElements > 32) {
        shape.layers = 2;
        shape.hidden = 256;
        shape.heads = 8;
        shape.expertWidth = 256;
    }
    return shape;
}

std::vector<std::int32_t> someTokens(int count) {
    std::vector<std::int32_t> tokens;
    for (int i = 0; i < count; ++i)
        tokens.push_back((i * 37 + 5) % 280);
    return tokens;
}

class CpuBackendTest : public testing::TestWithParam<TensorType> {};

TEST_P(CpuBackendTest, AgreesWithPlainLoopsInDouble) {
    const Loaded model(tests::typedModel(GetParam(), shapeFor(GetParam())));
    const auto tokens = someTokens(24);
    const auto expected = tests::ReferenceModel(model.file, model.config).run(tokens);
    tests::BackendRunner runner(model.file, model.config, {.threads = 1, .int8Kernels = {}});
    const auto logits = runner.run(tokens, 7);
    for (std::size_t position = 0; position < tokens.size(); ++position) {
        for (std::size_t i = 0; i < logits[position].size(); ++i)
            ASSERT_NEAR(logits[position][i], expected.logits[position][i], 4e-3) << position << " " << i;
        for (std::size_t layer = 0; layer < expected.router.size(); ++layer)
            for (std::size_t expert = 0; expert < 5; ++expert)
                ASSERT_NEAR(runner.router()[layer][position][expert], expected.router[layer][position][expert], 1e-3);
    }
}

TEST_P(CpuBackendTest, SameBitsForAnyPassSizeThreadCountAndKernel) {
    const Loaded model(tests::typedModel(GetParam(), shapeFor(GetParam())));
    const auto tokens = someTokens(40);
    const auto expected = tests::BackendRunner(model.file, model.config, {.threads = 1, .int8Kernels = {}}).run(tokens, 1);
    for (const int threads : {1, 2, 3})
        for (const int passTokens : {1, 2, 9, 40})
            EXPECT_EQ(
                tests::BackendRunner(model.file, model.config, {.threads = threads, .int8Kernels = {}}).run(tokens, passTokens),
                expected)
                << threads << " threads, passes of " << passTokens;
    for (const Int8Kernels& variant : int8Variants())
        EXPECT_EQ(tests::BackendRunner(model.file, model.config, {.threads = 2, .int8Kernels = variant.name}).run(tokens, 16),
                  expected)
            << variant.name;
}

TEST_P(CpuBackendTest, InPartsItIsTheSame) {
    const Loaded model(tests::typedModel(GetParam(), shapeFor(GetParam())));
    const auto tokens = someTokens(10);
    tests::BackendRunner runner(model.file, model.config, {.threads = 2, .int8Kernels = {}});
    const auto expected = runner.run(tokens, 3);
    runner.inParts = true;
    EXPECT_EQ(runner.run(tokens, 3), expected);
}

TEST_P(CpuBackendTest, ComputingInPlaceGivesTheSameBits) {
    const Loaded model(tests::typedModel(GetParam(), shapeFor(GetParam())));
    const auto tokens = someTokens(40);
    const auto expected = tests::BackendRunner(model.file, model.config, {.threads = 1, .int8Kernels = {}}).run(tokens, 1);
    for (const int threads : {1, 3})
        for (const int share : {1, 2}) {
            tests::BackendRunner runner(model.file, model.config, {.threads = threads, .int8Kernels = {}});
            runner.inPlace = [share](trace::ExpertKey key) { return (key.layer.value + key.expert.value) % share == 0; };
            EXPECT_EQ(runner.run(tokens, 1), expected) << threads << " threads, one in " << share;
            EXPECT_EQ(runner.run(tokens, 13), expected) << threads << " threads, one in " << share;
        }
}

INSTANTIATE_TEST_SUITE_P(Types, CpuBackendTest, testing::ValuesIn(model::tensorTypes()),
                         [](const auto& instance) { return std::string(model::typeTraits(instance.param).name); });

TEST(CpuBackendModelTest, UsesTheEmbeddingAsHeadWhenThereIsNone) {
    const Loaded model(tests::typedModel(TensorType::F16, kShape, true));
    const auto tokens = someTokens(5);
    const auto expected = tests::ReferenceModel(model.file, model.config).run(tokens);
    const auto logits = tests::BackendRunner(model.file, model.config, {.threads = 2, .int8Kernels = {}}).run(tokens, 5);
    for (std::size_t i = 0; i < logits[4].size(); ++i)
        EXPECT_NEAR(logits[4][i], expected.logits[4][i], 1e-3);
}

TEST(CpuBackendModelTest, HeadsSmallerThanAVectorWork) {
    tests::TinyModelShape shape;
    ASSERT_EQ(shape.hidden / shape.heads, 8);
    const Loaded model(tests::typedModel(TensorType::F32, shape));
    const auto tokens = someTokens(20);
    const auto expected = tests::ReferenceModel(model.file, model.config).run(tokens);
    const auto logits = tests::BackendRunner(model.file, model.config, {.threads = 2, .int8Kernels = {}}).run(tokens, 6);
    for (std::size_t i = 0; i < logits[19].size(); ++i)
        EXPECT_NEAR(logits[19][i], expected.logits[19][i], 1e-3);
}

TEST(CpuBackendModelTest, SizesThatTheKernelsCannotDoAreRefusedInOneSentence) {
    tests::TinyModelShape shape;
    shape.hidden = 48;
    shape.heads = 4;
    const Loaded model(tests::typedModel(TensorType::F32, shape));
    try {
        makeCpuBackend(model.file, model.config, {});
        FAIL() << "accepted";
    } catch (const std::runtime_error& refusal) {
        EXPECT_STREQ(refusal.what(), "made-up.gguf: the embedding length is 48, and the CPU backend needs a multiple of 32.");
    }
}

TEST(CpuBackendModelTest, LinkCarriesExactlyTheExpertsBytesInBlocks) {
    const tests::TinyModelShape shape{.hidden = 256, .heads = 8, .experts = 4, .expertWidth = 512};
    const Loaded model(tests::typedModel(TensorType::Q8_0, shape));
    tests::BackendRunner runner(model.file, model.config, {});
    const auto key = trace::expertKey(1, 3);
    const std::int64_t bytes = runner.backend().expertBytes(key);
    EXPECT_EQ(bytes, 3 * 512 * (256 / 32) * 34);
    EXPECT_EQ(runner.load(key, runner.slot(1, 3)), bytes);
    const int blocks = runner.backend().blocks(key);
    EXPECT_GE(bytes / blocks, 32 << 10);
    EXPECT_LE(bytes / blocks, 64 << 10);
}

TEST(CpuBackendModelTest, ASlotHoldsWhateverWasLoadedLast) {
    const Loaded model(tests::typedModel(TensorType::Q4_0, kShape));
    const auto tokens = someTokens(10);
    tests::BackendRunner runner(model.file, model.config, {});
    const auto expected = runner.run(tokens, 10);
    // Another expert in the slot, then the memory given back, then the right one again.
    runner.load(trace::expertKey(2, 0), runner.slot(0, 1));
    EXPECT_NE(runner.run(tokens, 10), expected);
    runner.backend().freeSlot(runner.slot(0, 1));
    runner.load(trace::expertKey(0, 1), runner.slot(0, 1));
    EXPECT_EQ(runner.run(tokens, 10), expected);
}

TEST(CpuBackendModelTest, PredictionIsTheNextRouterOnThisLayersInput) {
    const Loaded model(tests::typedModel(TensorType::F32, kShape));
    tests::BackendRunner runner(model.file, model.config, {});
    Backend& backend = runner.backend();
    const PassToken token{7, 0};
    backend.beginPass({&token, 1});
    backend.attend(0);
    std::vector<float> routed(5);
    std::vector<float> same(5);
    std::vector<float> next(5);
    backend.route(0, routed);
    backend.predict(0, 0, same);
    backend.predict(1, 0, next);
    EXPECT_EQ(routed, same);
    EXPECT_NE(routed, next);
}

} // namespace
} // namespace moescope::backend
