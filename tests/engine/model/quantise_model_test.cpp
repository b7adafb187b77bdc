#include "engine/model/quantise_model.h"

#include "engine/model/model_config.h"
#include "tests/support/temporary_path.h"
#include "tests/support/tiny_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>

namespace moescope::model {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using tests::TemporaryPath;

const auto kGoOn = [](std::int64_t, std::int64_t) { return true; };

void write(const TemporaryPath& folder, const GgufFile& file, const std::string& name, TensorType type, int threads = 2) {
    ASSERT_TRUE(quantiseModel(file, folder / name, {type, "a test", threads}, kGoOn));
}

std::string contentOf(const GgufFile& file, std::string_view tensor) {
    const TensorView* view = file.find(tensor);
    return {reinterpret_cast<const char*>(view->data), static_cast<std::size_t>(view->bytes)};
}

TEST(QuantiseModel, MakesTheBundledFileFromItsSource) {
    const fs::path models = fs::path(MOESCOPE_SHARED_DIR) / "models/tales-moe";
    if (!fs::exists(models / "model-f16.gguf"))
        GTEST_SKIP() << models << " is not here";
    const TemporaryPath folder;
    const GgufFile source(models / "model-f16.gguf");
    write(folder, source, "ours.gguf", TensorType::Q8_0);
    const GgufFile ours(folder / "ours.gguf");
    const GgufFile theirs(models / "model-q8_0.gguf");
    ASSERT_EQ(ours.tensors().size(), theirs.tensors().size());
    for (const TensorView& wanted : theirs.tensors()) {
        const TensorView* made = ours.find(wanted.name);
        ASSERT_NE(made, nullptr) << wanted.name;
        EXPECT_EQ(made->type, wanted.type) << wanted.name;
        EXPECT_EQ(made->ne, wanted.ne) << wanted.name;
        ASSERT_EQ(made->bytes, wanted.bytes) << wanted.name;
        EXPECT_EQ(std::memcmp(made->data, wanted.data, static_cast<std::size_t>(wanted.bytes)), 0) << wanted.name;
    }
    EXPECT_EQ(ours.integer("general.file_type"), theirs.integer("general.file_type"));
    EXPECT_EQ(ours.texts("tokenizer.ggml.tokens"), theirs.texts("tokenizer.ggml.tokens"));
}

TEST(QuantiseModel, KeepsNormsAndRoutersAndGivesTheOutputMoreBits) {
    const TemporaryPath folder;
    const auto bytes = tests::tinyModel().bytes();
    const GgufFile source(bytes, "tiny.gguf");
    write(folder, source, "tiny-q4_0.gguf", TensorType::Q4_0);
    const GgufFile made(folder / "tiny-q4_0.gguf");
    (void)readModelConfig(made);
    EXPECT_EQ(made.find("output.weight")->type, TensorType::Q8_0);
    EXPECT_EQ(made.find("token_embd.weight")->type, TensorType::Q4_0);
    EXPECT_EQ(made.find("blk.1.ffn_down_exps.weight")->type, TensorType::Q4_0);
    for (const char* kept : {"output_norm.weight", "blk.0.attn_norm.weight", "blk.1.ffn_gate_inp.weight"}) {
        EXPECT_EQ(made.find(kept)->type, TensorType::F32) << kept;
        EXPECT_EQ(contentOf(made, kept), contentOf(source, kept)) << kept;
    }
    EXPECT_EQ(made.text("general.name"), "Tiny synthetic MoE");
    EXPECT_EQ(made.text("moescope.provenance"), "a test");
    EXPECT_EQ(made.integer("general.file_type"), 2);
}

TEST(QuantiseModel, HalvesHoldWhatTheBlocksSaid) {
    const TemporaryPath folder;
    const auto bytes = tests::tinyModel().bytes();
    const GgufFile source(bytes, "tiny.gguf");
    write(folder, source, "tiny-f16.gguf", TensorType::F16);
    const GgufFile made(folder / "tiny-f16.gguf");
    const TensorView& from = *source.find("blk.0.attn_q.weight");
    const TensorView& to = *made.find("blk.0.attn_q.weight");
    ASSERT_EQ(to.type, TensorType::F16);
    std::vector<float> before(static_cast<std::size_t>(from.ne[0] * from.ne[1]));
    std::vector<float> after(before.size());
    dequantise(from.type, from.data, before);
    dequantise(to.type, to.data, after);
    for (std::size_t i = 0; i < before.size(); ++i)
        EXPECT_NEAR(after[i], before[i], std::abs(before[i]) * 0x1p-11);
}

TEST(QuantiseModel, DoesNotDependOnTheNumberOfThreads) {
    const TemporaryPath folder;
    const auto bytes = tests::tinyModel({.layers = 3, .hidden = 64, .experts = 8}).bytes();
    const GgufFile source(bytes, "tiny.gguf");
    write(folder, source, "one.gguf", TensorType::Q4_0, 1);
    write(folder, source, "five.gguf", TensorType::Q4_0, 5);
    EXPECT_EQ(GgufFile(folder / "one.gguf").hash(), GgufFile(folder / "five.gguf").hash());
}

TEST(QuantiseModel, RowsThatAreNoWholeBlocksStay) {
    const TemporaryPath folder;
    const std::vector<float> values(48 * 2, 1.5F);
    const auto bytes = tests::GgufWriter().addTensor("odd.weight", {48, 2}, values).bytes();
    const GgufFile source(bytes, "odd.gguf");
    write(folder, source, "made.gguf", TensorType::Q8_0);
    EXPECT_EQ(GgufFile(folder / "made.gguf").find("odd.weight")->type, TensorType::F32);
}

TEST(QuantiseModel, NamesTheTensorThatCannotBeStoredAndLeavesNoFile) {
    const TemporaryPath folder;
    std::vector<float> values(64, 1.0F);
    values[40] = std::numeric_limits<float>::quiet_NaN();
    const auto bytes = tests::GgufWriter().addTensor("bad.weight", {32, 2}, values).bytes();
    const GgufFile source(bytes, "bad.gguf");
    try {
        (void)quantiseModel(source, folder / "made.gguf", {TensorType::Q8_0, "", 2}, kGoOn);
        FAIL() << "was not refused";
    } catch (const std::runtime_error& problem) {
        EXPECT_THAT(problem.what(), HasSubstr("'bad.weight' holds a value that is not finite"));
    }
    EXPECT_TRUE(fs::is_empty(folder.folder()));
}

TEST(TensorStream, StoppedOnTheWayItLeavesNoFile) {
    const TemporaryPath folder;
    GgufPlan plan;
    plan.addTensor("a", TensorType::F32, {1024, 8192});
    GgufWriter writer(folder / "a.gguf", plan);
    const auto fill = [](const RowRange&, std::span<std::byte>) {};
    EXPECT_FALSE(streamTensors(writer, 2, fill, [](std::int64_t, std::int64_t) { return false; }));
    EXPECT_TRUE(fs::is_empty(folder.folder()));
}

} // namespace
} // namespace moescope::model
