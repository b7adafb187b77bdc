#include "engine/model/bpe_tokenizer.h"

#include "tests/support/tiny_bpe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <random>
#include <sstream>

namespace moescope::model {
namespace {

using Ids = std::vector<std::int32_t>;
using Words = std::vector<std::string>;

const std::string kText = "the fox and the other fox went to the water; there they met the weather and the father of the fox. ";

struct Made {
    std::vector<std::byte> bytes;
    std::unique_ptr<Tokenizer> tokenizer;
    explicit Made(const tests::GgufWriter& writer)
        : bytes(writer.bytes()), tokenizer(makeTokenizer(GgufFile(bytes, "tiny.gguf"))) {}
    Made(const tests::TinyBpe& tiny, const std::string& pre) : Made(tiny.writer(pre)) {}
};

std::string textOf(const Tokenizer& tokenizer, const Ids& ids) {
    std::string text;
    for (const std::int32_t id : ids)
        text += tokenizer.piece(id);
    return text;
}

Words wordsOf(std::string_view pre, std::string_view text) {
    const PreTokenizer words(*findPreTokenizer(pre));
    const auto views = words.split(text);
    return {views.begin(), views.end()};
}

std::string joined(const Words& words, const std::string& between) {
    std::string text;
    for (const std::string& word : words)
        text += (&word == words.data() ? "" : between) + word;
    return text;
}

/// Any scalar value, those that patterns tell apart more often.
std::string randomText(std::mt19937_64& random, std::size_t characters) {
    static const std::string kLikely = " \n\r\t'sSlLdtTrevVmM0123456789.,!/abcXYZ";
    std::string text;
    for (std::size_t i = 0; i < characters; ++i) {
        std::uint32_t code = static_cast<std::uint32_t>(random() % (random() % 2 ? 0x3000 : 0x110000));
        if (random() % 2 || (code >= 0xD800 && code <= 0xDFFF))
            code = static_cast<unsigned char>(kLikely[random() % kLikely.size()]);
        const auto add = [&](std::uint32_t byte) { text += static_cast<char>(byte); };
        if (code < 0x80) {
            add(code);
        } else if (code < 0x800) {
            add(0xC0 | code >> 6), add(0x80 | (code & 63));
        } else if (code < 0x10000) {
            add(0xE0 | code >> 12), add(0x80 | (code >> 6 & 63)), add(0x80 | (code & 63));
        } else {
            add(0xF0 | code >> 18), add(0x80 | (code >> 12 & 63)), add(0x80 | (code >> 6 & 63)), add(0x80 | (code & 63));
        }
    }
    return text;
}

/// Lowest rank first, leftmost on ties, by looking at every pair every time.
Ids mergedByHand(const tests::TinyBpe& tiny, const std::string& word) {
    Words parts;
    for (const char c : word)
        parts.push_back(inByteAlphabet(std::string(1, c)));
    while (true) {
        auto best = tiny.merges.size();
        std::size_t where = 0;
        for (std::size_t i = 1; i < parts.size(); ++i) {
            const auto found = std::find(tiny.merges.begin(), tiny.merges.end(), parts[i - 1] + " " + parts[i]);
            const auto rank = static_cast<std::size_t>(found - tiny.merges.begin());
            if (rank < best)
                best = rank, where = i;
        }
        if (best == tiny.merges.size())
            break;
        parts[where - 1] += parts[where];
        parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(where));
    }
    Ids ids;
    for (const std::string& part : parts)
        ids.push_back(static_cast<std::int32_t>(std::find(tiny.tokens.begin(), tiny.tokens.end(), part) - tiny.tokens.begin()));
    return ids;
}

// The words are those of the published patterns in Python's regex module, whose engine is another one.
TEST(PreTokenizer, CutsAsThePublishedPatternsDo) {
    const std::string text = "Hello, y'all! I'LL go  to\u00a0the 12345\u0660 shops\u2026\n\n  \tIt's 3.14\u20ac "
                             "\r\n\u4f60\u597d\uff0c\u4e16\u754c \u00c4\u00d6\u00fc caf\u00e9STORE'S e\u0301a \ufb01 "
                             "\u0915\u094d\u0937 \U0001f600\u200d a\u180eb --x==y/ //\n \u00aa\u0564 end  ";
    const std::vector<std::pair<std::string, std::string>> expected{
        {"gpt-2", "Hello|,| y|'|all|!| I|'|LL| go| | to|\u00a0|the| 12345\u0660| shops|\u2026|\n\n  |\t|It|'s| 3|.|14|\u20ac| "
                  "\r|\n|\u4f60\u597d|\uff0c|\u4e16\u754c| \u00c4\u00d6\u00fc| caf\u00e9STORE|'|S| e|\u0301|a| \ufb01| "
                  "\u0915|\u094d|\u0937| \U0001f600\u200d| a|\u180e|b| --|x|==|y|/| //|\n| \u00aa\u0564| end|  "},
        {"llama-bpe", "Hello|,| y|'all|!| I|'LL| go| | to|\u00a0the| |123|45\u0660| shops|\u2026\n\n|  |\tIt|'s| "
                      "|3|.|14|\u20ac| \r\n|\u4f60\u597d|\uff0c\u4e16\u754c| \u00c4\u00d6\u00fc| caf\u00e9STORE|'S| e|\u0301a| "
                      "\ufb01| \u0915|\u094d\u0937| \U0001f600\u200d| a|\u180eb| --|x|==|y|/| //\n| \u00aa\u0564| end|  "},
        {"qwen2", "Hello|,| y|'all|!| I|'LL| go| | to|\u00a0the| |1|2|3|4|5|\u0660| shops|\u2026\n\n|  |\tIt|'s| "
                  "|3|.|1|4|\u20ac| \r\n|\u4f60\u597d|\uff0c\u4e16\u754c| \u00c4\u00d6\u00fc| caf\u00e9STORE|'S| e|\u0301a| "
                  "\ufb01| \u0915|\u094d\u0937| \U0001f600\u200d| a|\u180eb| --|x|==|y|/| //\n| \u00aa\u0564| end|  "},
        {"gpt-4o", "Hello|,| y|'all|!| I'LL| go| | to|\u00a0the| |123|45\u0660| shops|\u2026\n\n|  |\tIt's| |3|.|14|\u20ac| "
                   "\r\n|\u4f60\u597d|\uff0c\u4e16\u754c| \u00c4\u00d6\u00fc| caf\u00e9|STORE'S| e\u0301a| \ufb01| "
                   "\u0915\u094d\u0937| \U0001f600\u200d| a|\u180eb| --|x|==|y|/| //\n| \u00aa\u0564| end|  "},
        {"deepseek-v3",
         "Hello|,| y|'all|!| I|'LL| go| | to|\u00a0the| |123|45\u0660| shops|\u2026\n\n|  |\tIt|'s| |3|.|14|\u20ac| "
         "\r\n|\u4f60\u597d|\uff0c|\u4e16\u754c| \u00c4\u00d6\u00fc| caf\u00e9STORE|'S| e\u0301a| \ufb01| \u0915\u094d\u0937| "
         "\U0001f600|\u200d| a|\u180eb| --|x|==|y|/| //\n| \u00aa\u0564| end|  "},
        {"deepseek-llm",
         "Hello|,| y|'|all|!| I|'|LL| go| | to|\u00a0the| |12345\u0660| shops|\u2026|\n|\n|  |\tIt|'|s| |3|.|14|\u20ac| "
         "|\r|\n|\u4f60\u597d|\uff0c|\u4e16\u754c| \u00c4\u00d6\u00fc| caf|\u00e9|STORE|'|S| e|\u0301|a| \ufb01| "
         "|\u0915\u094d\u0937| \U0001f600|\u200d| a|\u180e|b| --|x|==|y|/| //|\n| \u00aa\u0564| end|  "},
    };
    for (const auto& [pre, words] : expected)
        EXPECT_EQ(joined(wordsOf(pre, text), "|"), words) << pre;
}

TEST(PreTokenizer, LosesNothingAndStaysLinear) {
    std::mt19937_64 random(3);
    for (const std::string_view pre :
         {"gpt-2", "llama-bpe", "qwen2", "qwen35", "gpt-4o", "tekken", "deepseek-llm", "deepseek-v3"}) {
        ASSERT_NE(findPreTokenizer(pre), nullptr) << pre;
        for (int round = 0; round < 20; ++round) {
            std::string text = randomText(random, 300);
            text[random() % text.size()] = '\xFF'; // not UTF-8
            EXPECT_EQ(joined(wordsOf(pre, text), ""), text) << pre;
        }
        // Looking for an end from every start would take hours, and ctest's patience ends long before.
        for (const std::string_view unit : {" ", "\n", " \n", "A", "a", "\u4E00", "\u0301", "!", "1", "'"}) {
            std::string text;
            while (text.size() < 300'000)
                text += unit;
            const Words words = wordsOf(pre, text + "x");
            EXPECT_FALSE(words.empty()) << pre;
        }
    }
}

TEST(BpeTokenizer, GivesTheReferenceIdsOfTheGpt2Vocabulary) {
    const auto model = std::filesystem::path(MOESCOPE_SHARED_DIR) / "testdata/tokenizers/gpt-2.gguf";
    if (!std::filesystem::exists(model))
        GTEST_SKIP() << "the shared reference vocabulary is not here";
    const auto read = [](const std::string& path) {
        std::ifstream in(path, std::ios::binary);
        return std::string(std::istreambuf_iterator<char>(in), {});
    };
    const auto tokenizer = makeTokenizer(GgufFile(model));
    const std::string mark = "\n__ggml_vocab_test__\n";
    std::string texts = read(model.string() + ".inp");
    std::istringstream lines(read(model.string() + ".out"));
    int count = 0;
    for (auto at = texts.find(mark); at != std::string::npos; at = texts.find(mark), ++count) {
        std::string line;
        ASSERT_TRUE(std::getline(lines, line));
        std::istringstream numbers(line);
        const Ids expected(std::istream_iterator<std::int32_t>(numbers), {});
        const std::string text = texts.substr(0, at);
        EXPECT_EQ(tokenizer->encode(text, false, false), expected) << text;
        EXPECT_EQ(textOf(*tokenizer, expected), text);
        texts.erase(0, at + mark.size());
    }
    EXPECT_GE(count, 40);
}

TEST(BpeTokenizer, MergesLowestRankFirst) {
    const tests::TinyBpe tiny(kText);
    const Made made(tiny, "gpt-2");
    std::mt19937_64 random(5);
    for (int round = 0; round < 200; ++round) {
        std::string text;
        for (int i = 0; i < 30; ++i)
            text += kText[random() % kText.size()];
        text += kText.substr(random() % 50, 40);
        Ids expected;
        for (const std::string& word : wordsOf("gpt-2", text)) {
            const Ids ids = mergedByHand(tiny, word);
            expected.insert(expected.end(), ids.begin(), ids.end());
        }
        EXPECT_EQ(made.tokenizer->encode(text, false, false), expected) << text;
    }
}

TEST(BpeTokenizer, RoundTripsAnyBytes) {
    const tests::TinyBpe tiny(kText);
    std::mt19937_64 random(7);
    for (const char* pre : {"gpt-2", "llama-bpe", "qwen2", "gpt-4o", "deepseek-llm", "deepseek-v3"}) {
        const Made made(tiny, pre);
        for (int round = 0; round < 100; ++round) {
            const std::string text = randomText(random, 60);
            const Ids ids = made.tokenizer->encode(text, false, true);
            EXPECT_EQ(textOf(*made.tokenizer, ids), text) << pre;
            Utf8Stream stream; // a stream gives the same text, in whole characters
            std::string streamed;
            for (const std::int32_t id : ids)
                streamed += stream.push(made.tokenizer->piece(id));
            EXPECT_EQ(streamed + stream.finish(), text) << pre;
        }
        const std::string broken = "a\xFF\xC3 b\xE2\x82";
        EXPECT_EQ(textOf(*made.tokenizer, made.tokenizer->encode(broken, false, true)), broken) << pre;
    }
}

TEST(BpeTokenizer, CutsAddedTokensAlwaysAndControlTokensWhenAsked) {
    tests::TinyBpe tiny(kText);
    const std::int32_t end = tiny.add("<|im_end|>", 3);
    const std::int32_t start = tiny.add("<|im_start|>", 3);
    const std::int32_t think = tiny.add("<think>", 4);
    const Made made(tiny.writer("qwen2").set("tokenizer.ggml.eos_token_id", static_cast<std::uint32_t>(end)));
    const Ids asked = made.tokenizer->encode("<|im_start|>the<think><|im_end|>", true, true);
    EXPECT_EQ(asked.front(), start) << "there is no token to begin with";
    EXPECT_EQ(std::vector(asked.end() - 2, asked.end()), (Ids{think, end}));
    const Ids plain = made.tokenizer->encode("<|im_start|>the<think>", true, false);
    EXPECT_EQ(std::count(plain.begin(), plain.end(), start), 0);
    EXPECT_EQ(plain.back(), think);
    EXPECT_EQ(textOf(*made.tokenizer, asked), "the<think>");
    EXPECT_TRUE(made.tokenizer->endsGeneration(end));
    EXPECT_FALSE(made.tokenizer->endsGeneration(think));
    EXPECT_EQ(made.tokenizer->bos(), -1);
}

TEST(BpeTokenizer, TakesWholeWordsWhereMergesAreIgnored) {
    tests::TinyBpe tiny("ab", 0);
    const std::int32_t word = tiny.add("zebra", 1);
    EXPECT_EQ(Made(tiny, "llama-bpe").tokenizer->encode("zebra", false, false), Ids{word});
    EXPECT_EQ(Made(tiny, "qwen2").tokenizer->encode("zebra", false, false).size(), 5U);
}

TEST(BpeTokenizer, KeepsTheMarksOfChannelsInTheText) {
    tests::TinyBpe tiny(kText, 0);
    const std::int32_t channel = tiny.add("<|channel|>", 3);
    const std::int32_t end = tiny.add("<|end|>", 3);
    const std::int32_t done = tiny.add("<|return|>", 3);
    const Made made(tiny, "gpt-4o");
    EXPECT_EQ(made.tokenizer->piece(channel), "<|channel|>");
    EXPECT_FALSE(made.tokenizer->endsGeneration(end));
    EXPECT_TRUE(made.tokenizer->endsGeneration(done));
}

TEST(BpeTokenizer, StaysFastOnALongText) {
    const Made made(tests::TinyBpe(kText), "gpt-4o");
    std::string text;
    while (text.size() < 1'000'000)
        text += kText;
    EXPECT_LT(made.tokenizer->encode(text, true, true).size(), text.size());
    // One word without end: a quadratic merge takes hours here.
    const std::string endless(1'000'000, 't');
    EXPECT_EQ(textOf(*made.tokenizer, made.tokenizer->encode(endless, true, true)), endless);
}

TEST(BpeTokenizer, RefusesWhatItCannotRead) {
    const auto messageOf = [](const tests::GgufWriter& writer) -> std::string {
        try {
            const Made made(writer);
        } catch (const std::runtime_error& error) {
            return error.what();
        }
        return "accepted";
    };
    const tests::TinyBpe tiny(kText, 1);
    const std::string unknown = messageOf(tiny.writer("klingon"));
    EXPECT_NE(unknown.find("'klingon'"), std::string::npos) << unknown;
    EXPECT_NE(unknown.find("llama-bpe"), std::string::npos) << unknown;
    tests::GgufWriter nameless;
    nameless.set("tokenizer.ggml.model", "gpt2").set("tokenizer.ggml.tokens", tiny.tokens);
    EXPECT_NE(messageOf(nameless).find("'tokenizer.ggml.pre' is missing"), std::string::npos) << messageOf(nameless);
    nameless.set("tokenizer.ggml.pre", "gpt-2");
    EXPECT_NE(messageOf(nameless).find("tokenizer.ggml.merges"), std::string::npos) << messageOf(nameless);
    nameless.set("tokenizer.ggml.merges", std::vector<std::string>{"ab"});
    EXPECT_NE(messageOf(nameless).find("merge 0"), std::string::npos) << messageOf(nameless);
}

} // namespace
} // namespace moescope::model
