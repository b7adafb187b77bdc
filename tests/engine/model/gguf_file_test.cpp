#include "engine/model/gguf_file.h"

#include "tests/support/tiny_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

namespace moescope::model {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using tests::GgufWriter;

std::string refusal(const std::function<void()>& action) {
    try {
        action();
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "not refused";
}
std::string refusal(const std::vector<std::byte>& bytes) {
    return refusal([&] { GgufFile(bytes, "broken.gguf"); });
}
std::string refusal(const GgufWriter& writer) {
    return refusal(writer.bytes());
}

template <class Number>
std::vector<std::byte> raw(std::initializer_list<Number> values) {
    std::vector<std::byte> bytes;
    for (const Number value : values) {
        const auto one = std::as_bytes(std::span(&value, 1));
        bytes.insert(bytes.end(), one.begin(), one.end());
    }
    return bytes;
}

const std::vector<float> kFour{1, 2, 3, 4};
const std::vector<std::byte> kBlock(34, std::byte{1});

TEST(GgufFile, ReadsValuesOfEveryType) {
    const auto bytes = GgufWriter()
                           .set("u8", std::uint8_t{200})
                           .set("i8", std::int8_t{-5})
                           .set("u16", std::uint16_t{60000})
                           .set("i16", std::int16_t{-3000})
                           .set("u32", std::uint32_t{4000000000})
                           .set("i32", std::int32_t{-2000000000})
                           .set("u64", std::uint64_t{1} << 62)
                           .set("i64", std::numeric_limits<std::int64_t>::min())
                           .set("huge", std::numeric_limits<std::uint64_t>::max())
                           .set("f32", 0.25F)
                           .set("f64", 1e-300)
                           .set("yes", true)
                           .set("no", false)
                           .set("text", "größer")
                           .set("empty", "")
                           .set("texts", std::vector<std::string>{"a", "", "c"})
                           .set("reals", std::vector<float>{0.5F, -1})
                           .set("integers", std::vector<std::int16_t>{7, -7})
                           .set("none", std::vector<std::uint32_t>{})
                           .bytes();
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
    EXPECT_EQ(file.real("i8"), -5.0);
    EXPECT_EQ(file.boolean("yes"), true);
    EXPECT_EQ(file.boolean("no"), false);
    EXPECT_EQ(file.text("text"), "größer");
    EXPECT_EQ(file.text("empty"), "");
    EXPECT_EQ(file.texts("texts"), (std::vector<std::string_view>{"a", "", "c"}));
    EXPECT_EQ(file.reals("reals"), (std::vector<double>{0.5, -1}));
    EXPECT_EQ(file.reals("integers"), (std::vector<double>{7, -7}));
    EXPECT_EQ(file.integers("integers"), (std::vector<std::int64_t>{7, -7}));
    EXPECT_EQ(file.integers("none"), std::vector<std::int64_t>{});
    EXPECT_EQ(file.integer("absent"), std::nullopt);
    EXPECT_EQ(file.texts("absent"), std::nullopt);
    EXPECT_EQ(file.name(), "values.gguf");
    EXPECT_EQ(file.fileBytes(), static_cast<std::int64_t>(bytes.size()));
}

TEST(GgufFile, NamesKeyAndTypeWhenAValueIsOfTheWrongKind) {
    const auto bytes = GgufWriter()
                           .set("huge", std::numeric_limits<std::uint64_t>::max())
                           .set("real", 1.5F)
                           .set("text", "x")
                           .set("list", std::vector<std::uint32_t>{1, 2})
                           .set("reals", kFour)
                           .bytes();
    const GgufFile file(bytes, "values.gguf");
    EXPECT_THAT(refusal([&] { file.integer("huge"); }), AllOf(HasSubstr("values.gguf"), HasSubstr("'huge' is u64")));
    EXPECT_THAT(refusal([&] { file.integer("real"); }), HasSubstr("'real' is f32, not an integer"));
    EXPECT_THAT(refusal([&] { file.integer("list"); }), HasSubstr("'list' is an array of u32, not an integer"));
    EXPECT_THAT(refusal([&] { file.real("text"); }), HasSubstr("'text' is text, not a number"));
    EXPECT_THAT(refusal([&] { file.boolean("real"); }), HasSubstr("not a truth value"));
    EXPECT_THAT(refusal([&] { file.text("list"); }), HasSubstr("not a text"));
    EXPECT_THAT(refusal([&] { file.texts("text"); }), HasSubstr("not an array of texts"));
    EXPECT_THAT(refusal([&] { file.reals("real"); }), HasSubstr("not an array of numbers"));
    EXPECT_THAT(refusal([&] { file.integers("reals"); }), HasSubstr("not an array of integers"));
}

TEST(GgufFile, FindsTensorsAndTheirRows) {
    const std::vector<float> values{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    for (const std::uint32_t version : {2U, 3U}) {
        const auto bytes =
            GgufWriter().version(version).addTensor("first", {4}, kFour).addTensor("cube", {2, 3, 2}, values).bytes();
        const GgufFile file(bytes, "tensors.gguf");
        ASSERT_EQ(file.tensors().size(), 2U);
        const TensorView& cube = file.require("cube", {2, 3, 2});
        EXPECT_EQ(&cube, file.find("cube"));
        EXPECT_EQ(cube.dims, 3);
        EXPECT_EQ(cube.bytes, 48);
        EXPECT_EQ(cube.rowBytes(), 8);
        const TensorView second = cube.slice(1);
        EXPECT_EQ(second.bytes, 24);
        EXPECT_EQ(second.ne, (std::array<std::int64_t, 4>{2, 3, 1, 1}));
        std::vector<float> row(2);
        dequantise(second.type, second.row(2), row);
        EXPECT_EQ(row, (std::vector<float>{11, 12}));
        EXPECT_EQ(file.find("third"), nullptr);
        EXPECT_THAT(refusal([&] { file.require("third", {1}); }),
                    AllOf(HasSubstr("tensors.gguf"), HasSubstr("'third' is missing")));
        EXPECT_THAT(refusal([&] {
                        file.require("cube", {2, 3});
                    }),
                    HasSubstr("'cube' has the shape {2, 3, 2} instead of {2, 3}"));
    }
}

TEST(GgufFile, HonoursTheAlignment) {
    const auto bytes = GgufWriter()
                           .alignment(4096)
                           .set("general.alignment", std::uint32_t{4096})
                           .addTensor("a", {4}, kFour)
                           .addTensor("b", {4}, kFour)
                           .bytes();
    const GgufFile file(bytes, "aligned.gguf");
    EXPECT_EQ(file.find("a")->data - bytes.data(), 4096);
    EXPECT_EQ(file.find("b")->data - bytes.data(), 8192);
    for (const std::uint32_t wrong : {0U, 1U, 4U, 33U, 48U, 0xFFFFFFFFU})
        EXPECT_THAT(refusal(GgufWriter().set("general.alignment", wrong)), HasSubstr("power of two")) << wrong;
    EXPECT_THAT(refusal(GgufWriter().set("general.alignment", std::uint64_t{32})), HasSubstr("is u64, not u32"));
}

TEST(GgufFile, RefusesForeignFilesAndVersions) {
    EXPECT_THAT(refusal(std::vector<std::byte>{}), AllOf(HasSubstr("'broken.gguf'"), HasSubstr("not a GGUF file")));
    EXPECT_THAT(refusal(std::vector<std::byte>(100, std::byte{'x'})), HasSubstr("not a GGUF file"));
    EXPECT_THAT(refusal(GgufWriter().version(1)), HasSubstr("version 1 is outdated"));
    EXPECT_THAT(refusal(GgufWriter().version(0x03000000)), HasSubstr("big-endian"));
    EXPECT_THAT(refusal(GgufWriter().version(0)), HasSubstr("version 0 is not known"));
    EXPECT_THAT(refusal(GgufWriter().version(4)), HasSubstr("version 4 is not known"));
}

TEST(GgufFile, RefusesBrokenMetadata) {
    EXPECT_THAT(refusal(GgufWriter().set("k", 1.0F).set("k", 2.0F)), HasSubstr("'k' appears twice"));
    EXPECT_THAT(refusal(GgufWriter().set("", 1.0F)), HasSubstr("key is empty"));
    EXPECT_THAT(refusal(GgufWriter().setRaw("k", 13, {})), HasSubstr("'k' has the unknown type 13"));
    EXPECT_THAT(refusal(GgufWriter().setRaw("k", 9, raw<std::uint32_t>({9, 1, 0, 4, 0, 0}))),
                HasSubstr("'k' is an array of arrays"));
    EXPECT_THAT(refusal(GgufWriter().setRaw("k", 9, raw<std::uint32_t>({4, 0, 0x40000000}))),
                HasSubstr("ends inside metadata key 'k'"));
    EXPECT_THAT(refusal(GgufWriter().setRaw("k", 9, raw<std::uint32_t>({8, 0xFFFFFFFF, 0x7FFFFFFF}))),
                HasSubstr("ends inside"));
    EXPECT_THAT(refusal(GgufWriter().setRaw("k", 8, raw<std::uint64_t>({~std::uint64_t{0}}))), HasSubstr("ends inside"));
    auto counts = GgufWriter().bytes();
    counts.resize(24);
    const std::uint64_t many = ~std::uint64_t{0};
    std::memcpy(counts.data() + 16, &many, 8);
    EXPECT_THAT(refusal(counts), HasSubstr("metadata keys, more than the file can hold"));
    std::memcpy(counts.data() + 8, &many, 8);
    std::memset(counts.data() + 16, 0, 8);
    EXPECT_THAT(refusal(counts), HasSubstr("tensors, more than the file can hold"));
}

TEST(GgufFile, RefusesBrokenTensorTables) {
    const auto big = std::int64_t{1} << 40;
    const auto f32 = std::uint32_t{0};
    EXPECT_THAT(refusal(GgufWriter().addTensor("t", {4}, kFour).addTensor("t", {4}, kFour)), HasSubstr("'t' appears twice"));
    EXPECT_THAT(refusal(GgufWriter().addTensor("", {4}, kFour)), HasSubstr("is empty"));
    EXPECT_THAT(refusal(GgufWriter().addTensor(std::string(64, 'n'), {4}, kFour)), HasSubstr("longer than 63 bytes"));
    EXPECT_EQ(refusal(GgufWriter().addTensor(std::string(63, 'n'), {4}, kFour)), "not refused");
    EXPECT_THAT(refusal(GgufWriter().addTensor("t", {1, 1, 1, 1, 4}, kFour)), HasSubstr("5 dimensions"));
    EXPECT_THAT(refusal(GgufWriter().addTensor("t", {0}, kFour)), HasSubstr("dimension of 0"));
    EXPECT_THAT(refusal(GgufWriter().addTensor("t", {-4}, kFour)), HasSubstr("dimension of -4"));
    EXPECT_THAT(refusal(GgufWriter().addTensor("t", {big, big}, kFour)), HasSubstr("larger than any file"));
    EXPECT_THAT(refusal(GgufWriter().addTensor("t", TensorType::Q8_0, {16}, kBlock)), HasSubstr("rows of 16 elements"));
    EXPECT_THAT(refusal(GgufWriter().addTensor("t", TensorType::Q4_K, {128}, kBlock)),
                HasSubstr("rows of 128 elements, which Q4_K with its blocks of 256 cannot hold"));
    EXPECT_THAT(refusal(GgufWriter().set("general.architecture", "qwen3moe").addTensor("t", 17, {256}, kBlock)),
                AllOf(HasSubstr("tensor 't'"), HasSubstr("'qwen3moe'"), HasSubstr("IQ2_XS"), HasSubstr("IQ4_XS and MXFP4")));
    EXPECT_THAT(refusal(GgufWriter().addTensor("t", 777, {256}, kBlock)),
                AllOf(HasSubstr("unknown type 777"), HasSubstr("reads F32, F16")));
    EXPECT_THAT(refusal(GgufWriter().addTensorAt("t", f32, {4}, 16, std::as_bytes(std::span(kFour)))),
                HasSubstr("not aligned"));
    EXPECT_THAT(refusal(GgufWriter().addTensorAt("t", f32, {4}, 32, std::as_bytes(std::span(kFour)))),
                HasSubstr("past the end"));
    EXPECT_THAT(refusal(GgufWriter().addTensorAt("t", f32, {4}, ~std::uint64_t{31}, {})), HasSubstr("past the end"));
    EXPECT_THAT(refusal(GgufWriter().addTensor("t", {40}, kFour)), HasSubstr("past the end"));
}

TEST(GgufFile, ShowsHostileNamesAsPlainText) {
    const std::string name = "\x1b[31m\n" + std::string(200, 'a');
    const std::string message = refusal(GgufWriter().set(name, 1.0F).set(name, 1.0F));
    EXPECT_EQ(message.find('\x1b'), std::string::npos);
    EXPECT_EQ(message.find('\n'), std::string::npos);
    EXPECT_LT(message.size(), 200U);
}

TEST(GgufFile, NamesWeightsByHash) {
    const auto bytes = tests::tinyModel().bytes();
    const std::string hash = GgufFile(bytes, "a.gguf").hash();
    EXPECT_EQ(hash.size(), 16U);
    EXPECT_EQ(hash.find_first_not_of("0123456789abcdef"), std::string::npos);
    EXPECT_EQ(GgufFile(bytes, "b.gguf").hash(), hash);
    auto other = bytes;
    other.back() ^= std::byte{1};
    EXPECT_NE(GgufFile(other, "a.gguf").hash(), hash);
    EXPECT_NE(GgufFile(tests::tinyModel({.seed = 2}).bytes(), "a.gguf").hash(), hash);
}

TEST(GgufFile, HashIsFnv1aOfTheWholeSmallFile) {
    const auto bytes = GgufWriter().addTensor("t", {4}, kFour).bytes();
    // Header, then the size, then the data: FNV-1a as its authors define it.
    const std::size_t data = static_cast<std::size_t>(GgufFile(bytes, "a").find("t")->data - bytes.data());
    std::vector<std::byte> stream(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(data));
    const auto size = raw<std::uint64_t>({bytes.size()});
    stream.insert(stream.end(), size.begin(), size.end());
    stream.insert(stream.end(), bytes.begin() + static_cast<std::ptrdiff_t>(data), bytes.end());
    std::uint64_t expected = 14695981039346656037ULL;
    for (const std::byte b : stream) {
        expected ^= std::to_integer<std::uint64_t>(b);
        expected *= 1099511628211ULL;
    }
    EXPECT_EQ(std::stoull(GgufFile(bytes, "a").hash(), nullptr, 16), expected);
}

TEST(GgufFile, OpensFilesOnDiskAndSaysWhyItCannot) {
    const auto folder = std::filesystem::path(testing::TempDir()) / "moescope_gguf_file_test";
    std::filesystem::create_directories(folder);
    const auto path = folder / "tiny.gguf";
    tests::tinyModel().writeTo(path);
    GgufFile opened(path);
    const GgufFile file = std::move(opened);
    EXPECT_EQ(file.name(), path.string());
    EXPECT_EQ(file.fileBytes(), static_cast<std::int64_t>(std::filesystem::file_size(path)));
    EXPECT_EQ(file.hash(), GgufFile(tests::tinyModel().bytes(), "memory").hash());
    std::ofstream(folder / "empty.gguf").close();
    EXPECT_THAT(refusal([&] { GgufFile(folder / "empty.gguf"); }), HasSubstr("empty.gguf': the file is empty"));
    EXPECT_THAT(refusal([&] { GgufFile(folder / "absent.gguf"); }), HasSubstr("absent.gguf': No such file"));
    EXPECT_THAT(refusal([&] { GgufFile{folder}; }), HasSubstr("not a regular file"));
    std::filesystem::remove_all(folder);
}

} // namespace
} // namespace moescope::model
