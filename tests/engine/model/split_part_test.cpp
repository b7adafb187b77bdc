#include "engine/model/split_part.h"

#include "engine/model/model_config.h"
#include "tests/support/tiny_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace moescope::model {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using tests::GgufWriter;

constexpr std::uint16_t kParts = 3;

std::string refusal(const std::function<void()>& action) {
    try {
        action();
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "not refused";
}

/// The tiny model in three files, and what a test changes of them.
class SplitPartTest : public testing::Test {
protected:
    void SetUp() override {
        std::filesystem::create_directories(m_folder);
        const auto count = static_cast<std::int32_t>(m_whole.tensors().size());
        for (std::uint16_t part = 0; part < kParts; ++part) {
            if (part == 0)
                tests::addTinyTokenizer(tests::addTinyMetadata(writer(part), {}));
            writer(part).set("split.no", part).set("split.count", kParts).set("split.tensors.count", count);
        }
        for (std::size_t i = 0; i < m_whole.tensors().size(); ++i)
            add(m_whole.tensors()[i], i * kParts / m_whole.tensors().size());
    }
    void TearDown() override { std::filesystem::remove_all(m_folder); }

    GgufWriter& writer(std::size_t part) { return m_writers[part]; }
    void add(const TensorView& tensor, std::size_t part) {
        writer(part).addTensor(tensor.name, tensor.type, {tensor.ne.begin(), tensor.ne.begin() + tensor.dims},
                               {tensor.data, static_cast<std::size_t>(tensor.bytes)});
    }
    std::filesystem::path path(std::size_t part) const {
        return m_folder / ("tiny-0000" + std::to_string(part + 1) + "-of-00003.gguf");
    }
    std::filesystem::path write() {
        for (std::size_t part = 0; part < kParts; ++part)
            writer(part).writeTo(path(part));
        return path(0);
    }
    std::string refusalOf(const std::filesystem::path& file) {
        return refusal([&] { GgufFile{file}; });
    }

    const std::filesystem::path m_folder = std::filesystem::path(testing::TempDir()) / "moescope_split_part_test";
    const std::vector<std::byte> m_bytes = tests::tinyModel().bytes();
    const GgufFile m_whole{m_bytes, "whole.gguf"};
    std::array<GgufWriter, kParts> m_writers;
};

TEST_F(SplitPartTest, OpeningTheFirstOpensAll) {
    const GgufFile file(write());
    EXPECT_EQ(file.parts(), 3);
    EXPECT_EQ(m_whole.parts(), 1);
    EXPECT_EQ(file.name(), path(0).string());
    std::int64_t bytes = 0;
    for (std::size_t part = 0; part < kParts; ++part)
        bytes += static_cast<std::int64_t>(std::filesystem::file_size(path(part)));
    EXPECT_EQ(file.fileBytes(), bytes);
    ASSERT_EQ(file.tensors().size(), m_whole.tensors().size());
    for (std::size_t i = 0; i < file.tensors().size(); ++i) {
        const TensorView& found = file.tensors()[i];
        const TensorView& expected = m_whole.tensors()[i];
        EXPECT_EQ(found.name, expected.name);
        EXPECT_EQ(file.find(found.name), &found);
        ASSERT_EQ(found.bytes, expected.bytes);
        EXPECT_EQ(std::memcmp(found.data, expected.data, static_cast<std::size_t>(found.bytes)), 0) << found.name;
    }
    const ModelFacts facts = readModelFacts(file, readModelConfig(file));
    EXPECT_EQ(facts.fileBytes, bytes);
    EXPECT_EQ(facts.hash, file.hash());
    EXPECT_EQ(facts.parameters, readModelFacts(m_whole, readModelConfig(m_whole)).parameters);
}

TEST_F(SplitPartTest, TheHashIsOverAllParts) {
    const std::string hash = GgufFile(write()).hash();
    EXPECT_EQ(GgufFile(path(0)).hash(), hash);
    for (std::size_t part = 0; part < kParts; ++part) {
        write();
        std::fstream stream(path(part), std::ios::binary | std::ios::in | std::ios::out);
        stream.seekp(-100, std::ios::end);
        stream.put('x');
        stream.close();
        EXPECT_NE(GgufFile(path(0)).hash(), hash) << part;
    }
}

TEST_F(SplitPartTest, AnotherPartSaysWhichToOpen) {
    write();
    EXPECT_THAT(refusalOf(path(1)), AllOf(HasSubstr("part 2 of 3"), HasSubstr("open 'tiny-00001-of-00003.gguf' instead")));
    std::filesystem::copy_file(path(2), m_folder / "last.gguf");
    EXPECT_THAT(refusalOf(m_folder / "last.gguf"), AllOf(HasSubstr("part 3 of 3"), HasSubstr("open the first part instead")));
    EXPECT_THAT(refusal([&] { GgufFile(writer(0).bytes(), "memory"); }), HasSubstr("part 1 of 3"));
}

TEST_F(SplitPartTest, MissingAndForeignPartsAreNamed) {
    write();
    std::filesystem::copy_file(path(0), m_folder / "first.gguf");
    EXPECT_THAT(refusalOf(m_folder / "first.gguf"), HasSubstr("does not end in -00001-of-00003.gguf"));
    std::filesystem::remove(path(1));
    EXPECT_THAT(refusalOf(path(0)),
                AllOf(HasSubstr("tiny-00002-of-00003.gguf'"), HasSubstr("is missing"), HasSubstr("part 2 of 3")));
    std::filesystem::copy_file(path(2), path(1));
    EXPECT_THAT(refusalOf(path(0)), AllOf(HasSubstr("tiny-00002-of-00003.gguf'"), HasSubstr("calls it part 2 of 3"),
                                          HasSubstr("its metadata part 3 of 3")));
    tests::tinyModel().writeTo(path(1));
    EXPECT_THAT(refusalOf(path(0)), AllOf(HasSubstr("tiny-00002-of-00003.gguf'"), HasSubstr("its metadata part 1 of 1")));
    std::ofstream(path(1)) << "GGUF";
    EXPECT_THAT(refusalOf(path(0)), AllOf(HasSubstr("tiny-00002-of-00003.gguf'"), HasSubstr("ends inside its header")));
}

TEST_F(SplitPartTest, PartsOfAnotherModelAreRefused) {
    writer(2).replace("split.tensors.count", std::int32_t{7});
    EXPECT_THAT(refusalOf(write()), AllOf(HasSubstr("tiny-00003-of-00003.gguf'"), HasSubstr("split model of 7 tensors")));
}

TEST_F(SplitPartTest, TensorsThatAppearTwiceOrNotAtAllAreRefused) {
    add(m_whole.tensors().front(), 2);
    EXPECT_THAT(refusalOf(write()), AllOf(HasSubstr("tiny-00003-of-00003.gguf'"),
                                          HasSubstr(std::string(m_whole.tensors().front().name)), HasSubstr("earlier part")));
    writer(2).remove(m_whole.tensors().front().name).remove(m_whole.tensors().back().name);
    EXPECT_THAT(refusalOf(write()), AllOf(HasSubstr("tiny-00001-of-00003.gguf'"), HasSubstr("its 3 parts hold")));
}

TEST_F(SplitPartTest, NumbersWithoutSenseAreRefused) {
    for (const std::int64_t count : {std::int64_t{-1}, std::int64_t{100000}, std::int64_t{1} << 40}) {
        writer(0).replace("split.count", count);
        EXPECT_THAT(refusalOf(write()), HasSubstr("of a split model")) << count;
    }
    writer(0).replace("split.count", std::uint16_t{1});
    writer(1).replace("split.no", std::uint16_t{3});
    write();
    EXPECT_THAT(refusalOf(path(1)), HasSubstr("part 4 of 3"));
    writer(1).replace("split.no", "two");
    write();
    EXPECT_THAT(refusalOf(path(1)), HasSubstr("'split.no' is text"));
}

// A part may hold metadata alone, as llama-gguf-split --no-tensor-first-split writes it.
TEST_F(SplitPartTest, TheFirstMayHoldNoTensors) {
    for (const TensorView& tensor : m_whole.tensors()) {
        for (std::size_t part = 0; part < kParts; ++part)
            writer(part).remove(tensor.name);
        add(tensor, 2);
    }
    const GgufFile file(write());
    EXPECT_EQ(file.tensors().size(), m_whole.tensors().size());
    EXPECT_EQ(readModelConfig(file).layers, readModelConfig(m_whole).layers);
}

} // namespace
} // namespace moescope::model
