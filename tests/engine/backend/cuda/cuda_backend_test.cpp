#include "engine/backend/cuda/cuda_backend.h"

#include "tests/engine/backend/backend_runner.h"
#include "tests/engine/backend/cuda/gpu_arrays.h"
#include "tests/engine/backend/typed_model.h"
#include "tests/support/reference_model.h"

namespace moescope::backend {
namespace {

using model::TensorType;

struct Loaded {
    explicit Loaded(const tests::GgufWriter& writer)
        : bytes(writer.bytes()), file(bytes, "made-up.gguf"), config(model::readModelConfig(file)) {}
    std::vector<std::byte> bytes;
    model::GgufFile file;
    model::ModelConfig config;

    tests::BackendRunner runner(HostMemory memory = HostMemory::Pinned) const {
        return {config, makeCudaBackend(file, config, {.hostMemory = memory, .threads = 2})};
    }
};

const tests::TinyModelShape kShape{
    .layers = 3, .hidden = 96, .heads = 6, .kvHeads = 2, .experts = 5, .topK = 3, .expertWidth = 160, .context = 160};

std::vector<std::int32_t> someTokens(int count) {
    std::vector<std::int32_t> tokens;
    for (int i = 0; i < count; ++i)
        tokens.push_back((i * 37 + 5) % 280);
    return tokens;
}

class CudaBackendTest : public testing::TestWithParam<TensorType> {};

TEST_P(CudaBackendTest, AgreesWithPlainLoopsInDouble) {
    MOESCOPE_NEEDS_GPU();
    const Loaded model(tests::typedModel(GetParam(), kShape));
    const auto tokens = someTokens(24);
    const auto expected = tests::ReferenceModel(model.file, model.config).run(tokens);
    auto runner = model.runner();
    const auto logits = runner.run(tokens, 7);
    for (std::size_t position = 0; position < tokens.size(); ++position) {
        for (std::size_t i = 0; i < logits[position].size(); ++i)
            ASSERT_NEAR(logits[position][i], expected.logits[position][i], 4e-3) << position << " " << i;
        for (std::size_t layer = 0; layer < expected.router.size(); ++layer)
            for (std::size_t expert = 0; expert < 5; ++expert)
                ASSERT_NEAR(runner.router()[layer][position][expert], expected.router[layer][position][expert], 1e-3);
    }
}

TEST_P(CudaBackendTest, SameBitsForAnyPassSizeAndHostMemory) {
    MOESCOPE_NEEDS_GPU();
    const Loaded model(tests::typedModel(GetParam(), kShape));
    const auto tokens = someTokens(140);
    const auto expected = model.runner().run(tokens, 1);
    for (const int passTokens : {2, 9, 64, 128})
        EXPECT_TRUE(model.runner().run(tokens, passTokens) == expected) << passTokens;
    EXPECT_TRUE(model.runner(HostMemory::Mapped).run(tokens, 16) == expected);
    EXPECT_TRUE(model.runner(HostMemory::Pageable).run(tokens, 16) == expected);
}

TEST_P(CudaBackendTest, ChoosingOnTheDeviceGivesTheBitsOfChoosingOnTheHost) {
    MOESCOPE_NEEDS_GPU();
    tests::TinyModelShape shape = kShape;
    shape.heads = 8;
    shape.kvHeads = 2; // four heads of 16 share one of keys: whole blocks of 32 columns
    shape.hidden = 128;
    const Loaded model(tests::typedModel(GetParam(), shape));
    const auto tokens = someTokens(140);
    auto host = model.runner();
    const auto expected = host.run(tokens, 1);
    auto device = model.runner();
    for (const bool attributed : {true, false, false}) { // queued launch by launch, recorded, replayed
        EXPECT_TRUE(device.runResident(tokens, attributed) == expected) << attributed;
        EXPECT_TRUE(device.router() == host.router());
    }
    EXPECT_TRUE(device.run(tokens, 64) == expected);
}

TEST_P(CudaBackendTest, InPartsItIsTheSame) {
    MOESCOPE_NEEDS_GPU();
    const Loaded model(tests::typedModel(GetParam(), kShape));
    const auto tokens = someTokens(20);
    const auto expected = model.runner().run(tokens, 1);
    auto runner = model.runner();
    runner.inParts = true;
    EXPECT_TRUE(runner.run(tokens, 1) == expected);
    EXPECT_TRUE(runner.run(tokens, 9) == expected);
}

TEST_P(CudaBackendTest, ComputingInPlaceGivesTheSameBits) {
    MOESCOPE_NEEDS_GPU();
    const Loaded model(tests::typedModel(GetParam(), kShape));
    const auto tokens = someTokens(40);
    const auto expected = model.runner().run(tokens, 1);
    for (const HostMemory memory : {HostMemory::Pinned, HostMemory::Mapped, HostMemory::Pageable})
        for (const int share : {1, 2}) {
            auto runner = model.runner(memory);
            runner.inPlace = [share](trace::ExpertKey key) { return (key.layer.value + key.expert.value) % share == 0; };
            EXPECT_TRUE(runner.run(tokens, 1) == expected) << share;
            EXPECT_TRUE(runner.run(tokens, 13) == expected) << share;
        }
}

INSTANTIATE_TEST_SUITE_P(Types, CudaBackendTest,
                         testing::Values(TensorType::F32, TensorType::F16, TensorType::BF16, TensorType::Q8_0,
                                         TensorType::Q4_0),
                         [](const auto& instance) { return std::string(model::typeTraits(instance.param).name); });

TEST(CudaBackendModelTest, UsesTheEmbeddingAsHeadWhenThereIsNone) {
    MOESCOPE_NEEDS_GPU();
    const Loaded model(tests::typedModel(TensorType::F16, kShape, true));
    const auto tokens = someTokens(5);
    const auto expected = tests::ReferenceModel(model.file, model.config).run(tokens);
    const auto logits = model.runner().run(tokens, 5);
    for (std::size_t i = 0; i < logits[4].size(); ++i)
        EXPECT_NEAR(logits[4][i], expected.logits[4][i], 1e-3);
}

TEST(CudaBackendModelTest, SizesThatTheKernelsCannotDoAreRefusedInOneSentence) {
    MOESCOPE_NEEDS_GPU();
    tests::TinyModelShape shape;
    shape.hidden = 48;
    shape.heads = 4;
    const Loaded model(tests::typedModel(TensorType::F32, shape));
    try {
        makeCudaBackend(model.file, model.config, {});
        FAIL() << "accepted";
    } catch (const std::runtime_error& refusal) {
        EXPECT_STREQ(refusal.what(), "made-up.gguf: the embedding length is 48, and the CUDA backend needs a multiple of 32.");
    }
}

TEST(CudaBackendModelTest, ASlotHoldsWhateverWasLoadedLastAndResizingKeepsTheRest) {
    MOESCOPE_NEEDS_GPU();
    const Loaded model(tests::typedModel(TensorType::Q4_0, kShape));
    const auto tokens = someTokens(10);
    auto runner = model.runner();
    const auto expected = runner.run(tokens, 10);
    runner.load(trace::expertKey(2, 0), runner.slot(0, 1));
    EXPECT_NE(runner.run(tokens, 10), expected);
    EXPECT_EQ(runner.load(trace::expertKey(0, 1), runner.slot(0, 1)), runner.backend().expertBytes(trace::expertKey(0, 1)));
    EXPECT_EQ(runner.run(tokens, 10), expected);
    Backend& backend = runner.backend();
    backend.reserveSlots(5);
    backend.reserveSlots(15);
    for (int expert = 0; expert < 5; ++expert)
        for (int layer = 1; layer < 3; ++layer)
            runner.load(trace::expertKey(layer, expert), runner.slot(layer, expert));
    EXPECT_EQ(runner.run(tokens, 10), expected);
    EXPECT_GE(backend.mostSlots(), 15);
}

TEST(CudaBackendModelTest, PredictionAndLastActivationAreThoseOfTheCpu) {
    MOESCOPE_NEEDS_GPU();
    const Loaded model(tests::typedModel(TensorType::F32, kShape));
    auto runner = model.runner();
    tests::BackendRunner cpu(model.file, model.config, {});
    const PassToken token{7, 0};
    const auto ask = [&](Backend& backend) {
        std::vector<std::vector<float>> all(4, std::vector<float>(5));
        backend.beginPass({&token, 1});
        backend.attend(0);
        backend.route(0, all[0]);
        for (int target = 0; target < 3; ++target)
            backend.predict(target, 0, all[static_cast<std::size_t>(target + 1)]);
        return all;
    };
    const auto found = ask(runner.backend());
    const auto expected = ask(cpu.backend());
    const auto last = [&](tests::BackendRunner& any) {
        any.run(someTokens(5), 3); // the last pass has two rows
        std::vector<float> activation(96);
        EXPECT_TRUE(any.backend().finalNorm(1, activation));
        return activation;
    };
    const auto foundLast = last(runner);
    const auto expectedLast = last(cpu);
    for (std::size_t i = 0; i < foundLast.size(); ++i)
        EXPECT_NEAR(foundLast[i], expectedLast[i], 1e-3);
    EXPECT_EQ(found[0], found[1]);
    for (std::size_t i = 0; i < 4; ++i)
        for (std::size_t expert = 0; expert < 5; ++expert)
            EXPECT_NEAR(found[i][expert], expected[i][expert], 1e-4);
}

} // namespace
} // namespace moescope::backend
