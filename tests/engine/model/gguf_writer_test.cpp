#include "engine/model/gguf_writer.h"

#include "tests/support/gguf_writer.h"
#include "tests/support/temporary_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <limits>

namespace moescope::model {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using tests::TemporaryPath;

std::vector<std::byte> pattern(std::int64_t bytes, int salt) {
    std::vector<std::byte> out(static_cast<std::size_t>(bytes));
    for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = static_cast<std::byte>((i * 31 + static_cast<std::size_t>(salt)) & 0xFF);
    return out;
}

std::vector<std::byte> contentOf(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

GgufPlan smallPlan() {
    GgufPlan plan;
    plan.set("general.architecture", "llama").set("count", std::uint32_t{7});
    plan.addTensor("a", TensorType::F32, {3})
        .addTensor("b", TensorType::Q8_0, {64, 2, 3})
        .addTensor("c", TensorType::F16, {1, 1});
    return plan;
}

void writeAll(GgufWriter& writer) {
    for (std::size_t i = 0; i < writer.plan().tensors().size(); ++i)
        writer.write(i, 0, pattern(writer.plan().tensors()[i].bytes(), static_cast<int>(i)));
}

TEST(GgufWriter, OurReaderReadsEveryKindOfValue) {
    GgufPlan plan;
    plan.set("u8", std::uint8_t{200}).set("i8", std::int8_t{-5}).set("u16", std::uint16_t{60000});
    plan.set("i16", std::int16_t{-3000}).set("u32", std::uint32_t{4000000000}).set("i32", std::int32_t{-2000000000});
    plan.set("u64", std::uint64_t{1} << 62).set("i64", std::numeric_limits<std::int64_t>::min());
    plan.set("f32", 0.25F).set("f64", 1e-300).set("yes", true).set("no", false).set("text", "größer").set("empty", "");
    plan.set("texts", std::vector<std::string>{"a", "", "c"}).set("reals", std::vector<float>{0.5F, -1});
    plan.set("integers", std::vector<std::int16_t>{7, -7}).set("none", std::vector<std::uint32_t>{});
    const std::vector<std::byte> bytes = plan.header();
    const GgufFile file(bytes, "values.gguf");
    EXPECT_EQ(file.integer("u8"), 200);
    EXPECT_EQ(file.integer("i8"), -5);
    EXPECT_EQ(file.integer("u16"), 60000);
    EXPECT_EQ(file.integer("i16"), -3000);
    EXPECT_EQ(file.integer("u32"), 4000000000);
    EXPECT_EQ(file.integer("i32"), -2000000000);
    EXPECT_EQ(file.integer("u64"), std::int64_t{1} << 62);
    EXPECT_EQ(file.integer("i64"), std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(file.real("f32"), 0.25);
    EXPECT_EQ(file.real("f64"), 1e-300);
    EXPECT_EQ(file.boolean("yes"), true);
    EXPECT_EQ(file.boolean("no"), false);
    EXPECT_EQ(file.text("text"), "größer");
    EXPECT_EQ(file.text("empty"), "");
    EXPECT_THAT(*file.texts("texts"), testing::ElementsAre("a", "", "c"));
    EXPECT_THAT(*file.reals("reals"), testing::ElementsAre(0.5, -1));
    EXPECT_THAT(*file.integers("integers"), testing::ElementsAre(7, -7));
    EXPECT_TRUE(file.integers("none")->empty());
}

TEST(GgufWriter, WritesWhatTheIndependentWriterOfTheTestsWrites) {
    const TemporaryPath folder;
    GgufWriter writer(folder / "small.gguf", smallPlan());
    writeAll(writer);
    writer.finish();
    const auto& tensors = writer.plan().tensors();
    tests::GgufWriter other;
    other.set("general.architecture", "llama").set("count", std::uint32_t{7});
    for (std::size_t i = 0; i < tensors.size(); ++i)
        other.addTensor(tensors[i].name, tensors[i].type, tensors[i].ne, pattern(tensors[i].bytes(), static_cast<int>(i)));
    EXPECT_EQ(contentOf(folder / "small.gguf"), other.bytes());
    EXPECT_EQ(writer.plan().fileBytes(), static_cast<std::int64_t>(other.bytes().size()));
}

TEST(GgufWriter, PiecesMayComeInAnyOrder) {
    const TemporaryPath folder;
    GgufWriter writer(folder / "pieces.gguf", smallPlan());
    const auto bytes = pattern(writer.plan().tensors()[1].bytes(), 1);
    writer.write(2, 0, pattern(2, 2));
    writer.write(1, 100, std::span(bytes).subspan(100));
    writer.write(0, 0, pattern(12, 0));
    writer.write(1, 0, std::span(bytes).first(100));
    writer.finish();
    const GgufFile file(folder / "pieces.gguf");
    const TensorView& b = file.require("b", {64, 2, 3});
    EXPECT_EQ(std::vector(b.data, b.data + b.bytes), bytes);
}

TEST(GgufWriter, ThereIsACompleteFileOrNone) {
    const TemporaryPath folder;
    {
        GgufWriter writer(folder / "half.gguf", smallPlan());
        writer.write(0, 0, pattern(12, 0));
        EXPECT_TRUE(fs::exists(folder / "half.gguf.part"));
        EXPECT_THROW(writer.finish(), std::logic_error);
    }
    EXPECT_TRUE(fs::is_empty(folder.folder()));
}

TEST(GgufWriter, TheOldFileStaysUntilTheNewOneIsComplete) {
    const TemporaryPath folder;
    std::ofstream(folder / "model.gguf") << "old";
    {
        GgufWriter writer(folder / "model.gguf", smallPlan());
        EXPECT_EQ(fs::file_size(folder / "model.gguf"), 3U);
    }
    EXPECT_EQ(fs::file_size(folder / "model.gguf"), 3U);
    GgufWriter writer(folder / "model.gguf", smallPlan());
    writeAll(writer);
    writer.finish();
    EXPECT_EQ(GgufFile(folder / "model.gguf").tensors().size(), 3U);
}

TEST(GgufWriter, AFullDiskIsOneSentenceBeforeTheWork) {
    const TemporaryPath folder;
    GgufPlan plan;
    plan.addTensor("far too much", TensorType::F32, {std::int64_t{1} << 20, 3'900'000});
    try {
        const GgufWriter writer(folder / "huge.gguf", plan);
        GTEST_SKIP() << "this file system cannot reserve room, or has 15 TiB of it";
    } catch (const std::runtime_error& problem) {
        EXPECT_THAT(problem.what(), HasSubstr("huge.gguf"));
        EXPECT_THAT(problem.what(), HasSubstr("Cannot write the model"));
    }
    EXPECT_TRUE(fs::is_empty(folder.folder()));
}

TEST(GgufWriter, AMissingFolderIsOneSentence) {
    EXPECT_THROW(GgufWriter("/no/such/folder/a.gguf", smallPlan()), std::runtime_error);
}

TEST(GgufWriter, BytesOutsideATensorAreRefused) {
    const TemporaryPath folder;
    GgufWriter writer(folder / "a.gguf", smallPlan());
    EXPECT_THROW(writer.write(0, 8, pattern(8, 0)), std::invalid_argument);
    EXPECT_THROW(writer.write(3, 0, pattern(1, 0)), std::invalid_argument);
    EXPECT_THROW(writer.write(0, -1, pattern(1, 0)), std::invalid_argument);
}

TEST(GgufPlan, RefusesWhatNoReaderTakes) {
    GgufPlan plan;
    plan.addTensor("a", TensorType::F32, {1});
    EXPECT_THROW(plan.addTensor("a", TensorType::F32, {1}), std::invalid_argument);
    EXPECT_THROW(plan.addTensor("", TensorType::F32, {1}), std::invalid_argument);
    EXPECT_THROW(plan.addTensor(std::string(64, 'n'), TensorType::F32, {1}), std::invalid_argument);
    EXPECT_THROW(plan.addTensor("b", TensorType::Q4_0, {33}), std::invalid_argument);
    EXPECT_THROW(plan.addTensor("b", TensorType::F32, {}), std::invalid_argument);
    EXPECT_THROW(plan.addTensor("b", TensorType::F32, {4, 0}), std::invalid_argument);
    EXPECT_THROW(plan.set("", true), std::invalid_argument);
}

TEST(GgufPlan, ANewValueKeepsTheKeysPlace) {
    GgufPlan plan;
    plan.set("first", 1).set("second", 2).set("first", "one");
    GgufPlan expected;
    expected.set("first", "one").set("second", 2);
    EXPECT_EQ(plan.header(), expected.header());
}

TEST(GgufPlan, CopiesMetadataInOrderAndPlacesTensorsAnew) {
    const auto bytes = tests::GgufWriter()
                           .alignment(64)
                           .set("z", std::vector<std::string>{"one", ""})
                           .set("general.alignment", std::uint32_t{64})
                           .set("a", std::vector<double>{1, 2})
                           .set("text", "")
                           .set("yes", true)
                           .set("wide", std::uint64_t{5})
                           .bytes();
    const GgufFile file(bytes, "source.gguf");
    GgufPlan expected;
    expected.set("z", std::vector<std::string>{"one", ""}).set("a", std::vector<double>{1, 2}).set("text", "");
    expected.set("yes", true).set("wide", std::uint64_t{5});
    EXPECT_EQ(GgufPlan().copyMetadata(file).header(), expected.header());
}

} // namespace
} // namespace moescope::model
