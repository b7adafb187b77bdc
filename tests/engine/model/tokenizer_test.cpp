#include "engine/model/tokenizer.h"

#include "engine/model/chat_template.h"
#include "tests/support/tiny_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <sstream>

namespace moescope::model {
namespace {

using Ids = std::vector<std::int32_t>;
const std::filesystem::path kShared = MOESCOPE_SHARED_DIR;
const std::filesystem::path kBundled = std::filesystem::path(MOESCOPE_SOURCE_DIR) / "resources/model/model-q8_0.gguf";

std::string readFile(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> splitAt(const std::string& text, const std::string& mark) {
    std::vector<std::string> parts;
    std::size_t from = 0;
    for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, from)) {
        parts.push_back(text.substr(from, at - from));
        from = at + mark.size();
    }
    parts.push_back(text.substr(from));
    return parts;
}

Ids numbersOf(const std::string& line) {
    std::istringstream in(line);
    return {std::istream_iterator<std::int32_t>(in), {}};
}

std::string textOf(const Tokenizer& tokenizer, const Ids& ids) {
    std::string text;
    for (const std::int32_t id : ids)
        text += tokenizer.piece(id);
    return text;
}

struct TinyTokenizer {
    std::vector<std::byte> bytes;
    std::unique_ptr<Tokenizer> tokenizer;
    explicit TinyTokenizer(tests::GgufWriter writer)
        : bytes(writer.bytes()), tokenizer(makeTokenizer(GgufFile(bytes, "tiny.gguf"))) {}
};
tests::GgufWriter tinyWriter() {
    tests::GgufWriter writer;
    tests::addTinyTokenizer(writer);
    return writer;
}
std::int32_t idOf(std::string_view text) {
    const auto tokens = tests::tinyVocabulary();
    return static_cast<std::int32_t>(std::find(tokens.begin(), tokens.end(), text) - tokens.begin());
}

TEST(SpmTokenizer, GivesTheReferenceIdsOfTheLlamaVocabulary) {
    const auto model = kShared / "testdata/tokenizers/llama-spm.gguf";
    if (!std::filesystem::exists(model))
        GTEST_SKIP() << "the shared reference vocabulary is not here";
    const auto tokenizer = makeTokenizer(GgufFile(model));
    // Both files end with a separator, behind which stands one more, empty text.
    const auto texts = splitAt(readFile(model.string() + ".inp"), "\n__ggml_vocab_test__\n");
    const auto lines = splitAt(readFile(model.string() + ".out"), "\n");
    ASSERT_EQ(texts.size(), lines.size());
    ASSERT_GE(texts.size(), 40U);
    for (std::size_t i = 0; i < texts.size(); ++i) {
        const Ids ids = tokenizer->encode(texts[i], false, false);
        EXPECT_EQ(ids, numbersOf(lines[i])) << "text " << i << ": " << texts[i];
        EXPECT_EQ(textOf(*tokenizer, ids), texts[i].empty() ? "" : " " + texts[i]) << "text " << i;
    }
}

TEST(SpmTokenizer, GivesTheReferenceIdsOfTheBundledModel) {
    const auto reference = kShared / "models/tales-moe/reference-transformers.json";
    if (!std::filesystem::exists(reference))
        GTEST_SKIP() << "the shared reference numbers are not here";
    const auto json = nlohmann::json::parse(readFile(reference));
    const GgufFile file(kBundled);
    const auto tokenizer = makeTokenizer(file);
    const auto form = makeChatTemplate(file);
    ASSERT_EQ(json.at("prompts").size(), 4U);
    for (const auto& prompt : json.at("prompts")) {
        const auto text = prompt.at("text").get<std::string>();
        const auto ids = prompt.at("ids").get<Ids>();
        EXPECT_EQ(tokenizer->encode(text, true, true), ids);
        EXPECT_EQ(tokenizer->encode(text, true, false), ids);
        // The greedy continuation goes through pieces back to the text that the reference printed.
        const auto greedy = prompt.at("greedy_48").get<Ids>();
        const std::string shown = textOf(*tokenizer, greedy);
        EXPECT_EQ(shown.substr(0, 1), " ");
        EXPECT_EQ(shown.substr(1), prompt.at("greedy_text").get<std::string>());
        if (!text.starts_with("[INST] "))
            continue;
        const std::string request = text.substr(7, text.size() - 7 - std::string_view(" [/INST]").size());
        const ChatPart part{ChatRole::User, request};
        EXPECT_EQ(form->render({&part, 1}), text);
    }
}

TEST(SpmTokenizer, MergesBestScoreFirst) {
    const TinyTokenizer tiny(tinyWriter());
    EXPECT_EQ(tiny.tokenizer->encode("hello world", true, false), (Ids{1, idOf("\u2581hello"), idOf("\u2581world")}));
    EXPECT_EQ(tiny.tokenizer->encode("hell", false, false), (Ids{idOf("\u2581"), idOf("hell")}));
    EXPECT_EQ(tiny.tokenizer->encode("", false, false), Ids{});
    EXPECT_EQ(tiny.tokenizer->encode("", true, false), Ids{1});
}

TEST(SpmTokenizer, WritesBytesOfWhatTheVocabularyLacks) {
    const TinyTokenizer tiny(tinyWriter());
    const Ids ids = tiny.tokenizer->encode("\n\xC3\xA9\xFF", false, false);
    EXPECT_EQ(ids, (Ids{idOf("\u2581"), 3 + 0x0A, 3 + 0xC3, 3 + 0xA9, 3 + 0xFF}));
    EXPECT_EQ(textOf(*tiny.tokenizer, ids), " \n\xC3\xA9\xFF");
}

TEST(SpmTokenizer, ParsesControlTokensOnlyWhenAsked) {
    const TinyTokenizer tiny(tinyWriter());
    EXPECT_EQ(tiny.tokenizer->encode("hello</s>hello", false, true), (Ids{idOf("\u2581hello"), 2, idOf("\u2581hello")}));
    const Ids plain = tiny.tokenizer->encode("hello</s>", false, false);
    EXPECT_EQ(std::count(plain.begin(), plain.end(), 2), 0);
    EXPECT_EQ(textOf(*tiny.tokenizer, plain), " hello</s>");
    EXPECT_EQ(tiny.tokenizer->encode("<s></s><unk>", false, true), (Ids{1, 2, 0}));
}

TEST(SpmTokenizer, HasNoTextForControlTokensAndForeignIds) {
    const TinyTokenizer tiny(tinyWriter());
    for (const std::int32_t id : {0, 1, 2, -1, tiny.tokenizer->size(), 1 << 30})
        EXPECT_EQ(tiny.tokenizer->piece(id), "") << id;
    EXPECT_EQ(tiny.tokenizer->bos(), 1);
    EXPECT_EQ(tiny.tokenizer->eos(), 2);
    EXPECT_TRUE(tiny.tokenizer->addBos());
    EXPECT_TRUE(tiny.tokenizer->endsGeneration(2));
    EXPECT_FALSE(tiny.tokenizer->endsGeneration(1));
    EXPECT_FALSE(tiny.tokenizer->endsGeneration(-1));
}

TEST(SpmTokenizer, LeavesOutTheSpacePrefixWhenTheFileSaysSo) {
    auto writer = tinyWriter();
    writer.set("tokenizer.ggml.add_space_prefix", false).set("tokenizer.ggml.add_bos_token", false);
    const TinyTokenizer tiny(writer);
    EXPECT_EQ(tiny.tokenizer->encode("hello", false, false), Ids{idOf("hello")});
    EXPECT_FALSE(tiny.tokenizer->addBos());
}

TEST(SpmTokenizer, RoundTripsAnyBytes) {
    const TinyTokenizer tiny(tinyWriter());
    std::mt19937_64 random(7);
    for (int round = 0; round < 300; ++round) {
        std::string text(1 + random() % 60, '\0');
        for (char& c : text)
            c = random() % 2 ? "hello wrd"[random() % 9] : static_cast<char>(random() % 256);
        // The mark that stands for a space cannot come back as itself.
        if (text.find("\u2581") != std::string::npos)
            continue;
        EXPECT_EQ(textOf(*tiny.tokenizer, tiny.tokenizer->encode(text, false, false)), " " + text);
    }
}

TEST(SpmTokenizer, StaysFastOnALongText) {
    const auto tokenizer = makeTokenizer(GgufFile(kBundled));
    std::string text;
    while (text.size() < 2'000'000)
        text += "Once upon a time there was aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa little dog. ";
    // A quadratic merge takes hours here, and ctest's patience ends long before.
    const std::size_t tokens = tokenizer->encode(text, true, true).size();
    EXPECT_GT(tokens, text.size() / 10);
}

TEST(MakeTokenizer, RefusesWhatItCannotRead) {
    const auto messageOf = [](const tests::GgufWriter& writer) -> std::string {
        const auto bytes = writer.bytes();
        try {
            makeTokenizer(GgufFile(bytes, "broken.gguf"));
        } catch (const std::runtime_error& error) {
            EXPECT_NE(std::string(error.what()).find("broken.gguf"), std::string::npos);
            return error.what();
        }
        return "accepted";
    };
    const std::vector<std::string> two{"a", "b"};
    const auto llama = [] { return tests::GgufWriter().set("tokenizer.ggml.model", "llama"); };
    EXPECT_THAT(messageOf(tests::GgufWriter()), testing::HasSubstr("no tokenizer"));
    EXPECT_THAT(messageOf(tests::GgufWriter().set("tokenizer.ggml.model", "bert")), testing::HasSubstr("'bert'"));
    EXPECT_THAT(messageOf(llama()), testing::HasSubstr("tokenizer.ggml.tokens"));
    EXPECT_THAT(messageOf(llama().set("tokenizer.ggml.tokens", two).set("tokenizer.ggml.scores", std::vector<float>{1})),
                testing::HasSubstr("1 token scores"));
    EXPECT_THAT(messageOf(llama().set("tokenizer.ggml.tokens", two).set("tokenizer.ggml.scores", std::vector<float>{1, NAN})),
                testing::HasSubstr("score of token 1"));
    EXPECT_THAT(
        messageOf(llama().set("tokenizer.ggml.tokens", two).set("tokenizer.ggml.token_type", std::vector<std::int32_t>{1, 9})),
        testing::HasSubstr("unknown type 9"));
    EXPECT_THAT(messageOf(llama().set("tokenizer.ggml.tokens", two).set("tokenizer.ggml.bos_token_id", std::uint32_t{2})),
                testing::HasSubstr("bos_token_id"));
    EXPECT_THAT(
        messageOf(llama().set("tokenizer.ggml.tokens", two).set("tokenizer.ggml.token_type", std::vector<std::int32_t>{6, 1})),
        testing::HasSubstr("byte token 0"));
}

} // namespace
} // namespace moescope::model
