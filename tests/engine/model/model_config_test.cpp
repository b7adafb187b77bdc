#include "engine/model/model_config.h"

#include "tests/support/tiny_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace moescope::model {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using tests::GgufWriter;
using tests::tinyModel;

const std::filesystem::path kShared = MOESCOPE_SHARED_DIR;

std::string refusalOf(const GgufFile& file) {
    try {
        readModelConfig(file);
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "not refused";
}
std::string refusal(const GgufWriter& writer) {
    const auto bytes = writer.bytes();
    const std::string message = refusalOf(GgufFile(bytes, "some.gguf"));
    EXPECT_TRUE(message == "not refused" || message.find("'some.gguf'") != std::string::npos) << message;
    return message;
}
ModelConfig accepted(const GgufWriter& writer) {
    const auto bytes = writer.bytes();
    return readModelConfig(GgufFile(bytes, "some.gguf"));
}

TEST(ModelConfig, OfTheBundledModelIsWhatItsCardSays) {
    const GgufFile file(std::filesystem::path(MOESCOPE_SOURCE_DIR) / "resources/model/model-q8_0.gguf");
    const ModelConfig c = readModelConfig(file);
    EXPECT_EQ(c.architecture, "llama");
    EXPECT_EQ(c.layers, 8);
    EXPECT_EQ(c.hidden, 256);
    EXPECT_EQ(c.heads, 8);
    EXPECT_EQ(c.kvHeads, 4);
    EXPECT_EQ(c.headSize, 32);
    EXPECT_EQ(c.experts, 8);
    EXPECT_EQ(c.topK, 2);
    EXPECT_EQ(c.expertWidth, 512);
    EXPECT_EQ(c.vocabulary, 4096);
    EXPECT_EQ(c.contextTokens, 512);
    EXPECT_FLOAT_EQ(c.rmsEpsilon, 1e-5F);
    EXPECT_EQ(c.ropeBase, 10000.0F);
    EXPECT_TRUE(c.renormaliseWeights);

    const ModelFacts facts = readModelFacts(file, c);
    EXPECT_EQ(facts.path, file.name());
    EXPECT_EQ(facts.quantisation, "Q8_0");
    EXPECT_EQ(facts.fileBytes, 30817664);
    EXPECT_EQ(facts.parameters, 28856576);
    // 64 experts of 393,216 weights, of which 16 are read.
    EXPECT_EQ(facts.activeParameters, 28856576 - 48 * 393216);
    EXPECT_EQ(facts.expertBytes, 393216 / 32 * 34);
    EXPECT_EQ(facts.hash.size(), 16U);
    EXPECT_FALSE(facts.synthetic);
}

TEST(ModelConfig, TakesTheDefaultsOfTheFormat) {
    const ModelConfig c = accepted(tinyModel().remove("llama.rope.freq_base").remove("llama.vocab_size"));
    EXPECT_EQ(c.ropeBase, 10000.0F);
    EXPECT_EQ(c.headSize, 8);
    EXPECT_EQ(c.vocabulary, static_cast<int>(tests::tinyVocabulary().size()));
    const ModelConfig tied = accepted(tinyModel().remove("output.weight"));
    EXPECT_EQ(tied.vocabulary, c.vocabulary);
    const ModelConfig equalHeads = accepted(tinyModel({.heads = 2, .kvHeads = 2}).remove("llama.attention.head_count_kv"));
    EXPECT_EQ(equalHeads.kvHeads, 2);
    EXPECT_EQ(refusal(tinyModel().replace("llama.expert_count", std::uint64_t{4})), "not refused");
    EXPECT_EQ(refusal(tinyModel().set("llama.rope.scaling.type", "linear").set("llama.rope.scaling.factor", 0.0F)),
              "not refused");
}

TEST(ModelConfig, RefusesOtherArchitecturesByName) {
    EXPECT_THAT(refusal(tinyModel().replace("general.architecture", "qwen3moe")),
                AllOf(HasSubstr("'qwen3moe' (Qwen3-MoE)"), HasSubstr("Mixtral")));
    EXPECT_THAT(refusal(tinyModel().replace("general.architecture", "gpt-oss")), HasSubstr("'gpt-oss'"));
    EXPECT_THAT(refusal(tinyModel().replace("general.architecture", "mamba\n")), HasSubstr("'mamba?'"));
    EXPECT_THAT(refusal(tinyModel().remove("general.architecture")), HasSubstr("'general.architecture' is missing"));
    EXPECT_THAT(refusal(tinyModel().remove("llama.expert_count")), HasSubstr("dense model without experts"));
    EXPECT_THAT(refusal(tinyModel().replace("llama.expert_count", std::uint32_t{0})), HasSubstr("dense model without experts"));
}

TEST(ModelConfig, APartOfASplitModelIsNotOneInMemory) {
    const auto bytes = tinyModel().set("split.count", std::uint16_t{3}).set("split.no", std::uint16_t{0}).bytes();
    try {
        const GgufFile part(bytes, "some.gguf");
        FAIL() << "was read";
    } catch (const std::runtime_error& e) {
        EXPECT_THAT(e.what(), HasSubstr("part 1 of 3"));
    }
}

TEST(ModelConfig, RefusesTheSharedFilesOfOtherFamilies) {
    const auto folder = kShared / "testdata/tiny-gguf";
    if (!std::filesystem::exists(folder))
        GTEST_SKIP() << "the shared tiny models are not here";
    for (const std::string name : {"olmoe", "qwen2moe", "qwen3moe", "gpt-oss", "deepseek2"}) {
        std::string message = "not refused";
        try {
            message = refusalOf(GgufFile(folder / (name + ".gguf")));
        } catch (const std::runtime_error& error) {
            message = error.what();
        }
        EXPECT_THAT(message, HasSubstr("'" + name + "'"));
    }
    EXPECT_THAT(refusalOf(GgufFile(kShared / "testdata/tokenizers/llama-spm.gguf")), HasSubstr("dense model"));
}

TEST(ModelConfig, NamesTheKeyThatIsMissingOrOutOfRange) {
    for (const std::string key :
         {"llama.block_count", "llama.context_length", "llama.embedding_length", "llama.feed_forward_length",
          "llama.attention.head_count", "llama.expert_used_count", "llama.attention.layer_norm_rms_epsilon"})
        EXPECT_THAT(refusal(tinyModel().remove(key)), HasSubstr("'" + key + "' is missing"));
    for (const std::string key :
         {"llama.block_count", "llama.context_length", "llama.embedding_length", "llama.feed_forward_length",
          "llama.attention.head_count", "llama.attention.head_count_kv", "llama.expert_used_count", "llama.vocab_size"})
        for (const std::int64_t wrong : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1} << 62})
            EXPECT_THAT(refusal(tinyModel().replace(key, wrong)), HasSubstr("'" + key + "' is " + std::to_string(wrong)));
    EXPECT_THAT(refusal(tinyModel().replace("llama.expert_used_count", std::uint32_t{5})), HasSubstr("outside 1 to 4"));
    EXPECT_THAT(refusal(tinyModel().replace("llama.expert_count", std::uint32_t{2000})),
                HasSubstr("'llama.expert_count' is 2000"));
    EXPECT_THAT(refusal(tinyModel().replace("llama.attention.head_count", std::vector<std::int32_t>{4, 4})),
                HasSubstr("array of i32"));
    for (const float wrong : {0.0F, -1.0F, std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()})
        EXPECT_THAT(refusal(tinyModel().replace("llama.attention.layer_norm_rms_epsilon", wrong)),
                    HasSubstr("not a positive number"));
}

TEST(ModelConfig, RefusesWhatItWouldComputeWrongly) {
    const auto u32 = [](std::uint32_t value) { return value; };
    EXPECT_THAT(refusal(tinyModel().replace("llama.attention.head_count_kv", u32(3))), HasSubstr("cannot share 3"));
    EXPECT_THAT(refusal(tinyModel().set("llama.attention.value_length", u32(4))), HasSubstr("differ in size"));
    EXPECT_THAT(refusal(tinyModel().set("llama.rope.dimension_count", u32(4))), HasSubstr("only a part"));
    EXPECT_THAT(refusal(tinyModel().set("llama.rope.scaling.type", "yarn")), HasSubstr("'yarn'"));
    EXPECT_THAT(refusal(tinyModel().set("llama.rope.scaling.type", "linear").set("llama.rope.scaling.factor", 4.0F)),
                HasSubstr("'linear'"));
    EXPECT_THAT(refusal(tinyModel().set("llama.attention.sliding_window", u32(4096))), HasSubstr("sliding-window"));
    EXPECT_THAT(refusal(tinyModel({.hidden = 96, .heads = 32, .kvHeads = 32})), HasSubstr("head size 3 is odd"));
    EXPECT_THAT(refusal(tinyModel().replace("tokenizer.ggml.tokens", std::vector<std::string>{"a", "b"})),
                HasSubstr("tokenizer has 2 tokens"));
}

TEST(ModelConfig, NamesTheTensorThatIsMissingMisshapenOrUnknown) {
    const std::vector<float> some(8, 1.0F);
    for (const std::string name : {"token_embd.weight", "output_norm.weight", "blk.1.attn_q.weight",
                                   "blk.0.ffn_gate_inp.weight", "blk.1.ffn_down_exps.weight"}) {
        // The vocabulary's size comes from the metadata when the embedding is missing.
        EXPECT_THAT(refusal(tinyModel().remove(name)), HasSubstr("tensor '" + name + "' is missing"));
        EXPECT_THAT(refusal(tinyModel().remove(name).addTensor(name, {4, 2}, some)),
                    HasSubstr("'" + name + "' has the shape {4, 2}"));
    }
    EXPECT_THAT(refusal(tinyModel().addTensor("rope_freqs.weight", {8}, some)), HasSubstr("'rope_freqs.weight'"));
    EXPECT_THAT(refusal(tinyModel().addTensor("blk.0.attn_q.bias", {8}, some)), HasSubstr("'blk.0.attn_q.bias'"));
    EXPECT_THAT(refusal(tinyModel().addTensor("blk.0.ffn_gate.0.weight", {8}, some)), HasSubstr("one tensor each"));
    EXPECT_THAT(refusal(tinyModel().addTensor("blk.0.ffn_gate_up_exps.weight", {8}, some)), HasSubstr("one tensor"));
}

TEST(ModelFacts, CountWhatIsStored) {
    const tests::TinyModelShape shape;
    const auto bytes = tinyModel(shape).bytes();
    const GgufFile file(bytes, "folder/tiny-q8.gguf");
    const ModelFacts facts = readModelFacts(file, readModelConfig(file));
    EXPECT_EQ(facts.name, "Tiny synthetic MoE");
    EXPECT_TRUE(facts.synthetic);
    EXPECT_EQ(facts.licence, "apache-2.0");
    const std::int64_t expert = 3 * 32 * 64;
    const std::int64_t dense = 2 * 32 * static_cast<std::int64_t>(tests::tinyVocabulary().size()) + 32 +
                               2 * (2 * 32 + 2 * 32 * 32 + 2 * 32 * 16 + 32 * 4);
    EXPECT_EQ(facts.parameters, dense + 2 * 4 * expert);
    EXPECT_EQ(facts.activeParameters, dense + 2 * 2 * expert);
    EXPECT_EQ(facts.expertBytes, expert / 32 * 34);
}

TEST(ModelFacts, FallBackToTheFileNameWhenTheModelHasNone) {
    for (const bool generic : {true, false}) {
        auto writer = tinyModel().remove("general.name").remove("general.license").set("moescope.synthetic", true);
        if (generic)
            writer.set("general.name", "Model");
        const auto bytes = writer.bytes();
        const GgufFile file(bytes, "folder/tiny-q8.gguf");
        const ModelFacts facts = readModelFacts(file, readModelConfig(file));
        EXPECT_EQ(facts.name, "tiny-q8");
        EXPECT_EQ(facts.licence, "");
        EXPECT_TRUE(facts.synthetic);
    }
}

} // namespace
} // namespace moescope::model
