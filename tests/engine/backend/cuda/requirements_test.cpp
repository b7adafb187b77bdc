#include "engine/backend/cuda/requirements.h"

#include "tests/engine/backend/typed_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace moescope::backend::cuda {
namespace {

using model::TensorType;

const tests::TinyModelShape kShape{.layers = 1, .hidden = 256, .heads = 8, .expertWidth = 256};

std::string refusal(const tests::GgufWriter& writer) {
    const auto bytes = writer.bytes();
    const model::GgufFile file(bytes, "made-up.gguf");
    try {
        checked(file, model::readModelConfig(file));
    } catch (const std::runtime_error& refused) {
        return refused.what();
    }
    return "not refused";
}

TEST(RequirementsTest, TypesWithoutKernelsAreRefusedInOneSentence) {
    for (const TensorType type : model::tensorTypes()) {
        const bool computed = type == TensorType::F32 || type == TensorType::F16 || type == TensorType::BF16 ||
                              type == TensorType::Q8_0 || type == TensorType::Q4_0;
        const std::string said = refusal(tests::typedModel(type, kShape));
        if (computed)
            EXPECT_EQ(said, "not refused");
        else
            EXPECT_EQ(said, "made-up.gguf: tensor 'output.weight' is stored as " + std::string(model::typeTraits(type).name) +
                                ", and the CUDA backend computes with F32, F16, BF16, Q8_0 and Q4_0 only; --backend cpu reads "
                                "every format.");
    }
}

TEST(RequirementsTest, TheProcessorDecodesTheEmbedding) {
    auto writer = tests::typedModel(TensorType::F16, kShape);
    const std::vector<float> values(static_cast<std::size_t>(kShape.hidden) * tests::tinyVocabulary().size(), 0.5F);
    writer.remove("token_embd.weight")
        .addTensor("token_embd.weight", TensorType::Q6_K,
                   {kShape.hidden, static_cast<std::int64_t>(tests::tinyVocabulary().size())},
                   tests::stored(TensorType::Q6_K, values));
    EXPECT_EQ(refusal(writer), "not refused");
    EXPECT_THAT(refusal(writer.remove("output.weight")), testing::HasSubstr("tensor 'token_embd.weight' is stored as Q6_K"));
}

} // namespace
} // namespace moescope::backend::cuda
