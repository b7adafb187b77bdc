#include "engine/model/tokenizer.h"

#include <gtest/gtest.h>

namespace moescope::model {
namespace {

const std::string kBroken = "\xEF\xBF\xBD";

std::string byteByByte(std::string_view bytes) {
    Utf8Stream stream;
    std::string text;
    for (const char c : bytes)
        text += stream.push({&c, 1});
    return text + stream.finish();
}

TEST(Utf8Stream, GivesCharactersBackWhole) {
    Utf8Stream stream;
    EXPECT_EQ(stream.push("a\xC3"), "a");
    EXPECT_EQ(stream.push("\xA4\xF0\x9F"), "\xC3\xA4");
    EXPECT_EQ(stream.push("\x90"), "");
    EXPECT_EQ(stream.push("\xB6!"), "\xF0\x9F\x90\xB6!");
    EXPECT_EQ(stream.finish(), "");
}

TEST(Utf8Stream, KeepsEveryScalarValueByteByByte) {
    for (std::uint32_t code = 1; code <= 0x10FFFF; code += code < 0x3000 ? 1 : 61) {
        if (code >= 0xD800 && code <= 0xDFFF)
            continue;
        std::string text;
        const auto add = [&](std::uint32_t byte) { text += static_cast<char>(byte); };
        if (code < 0x80) {
            add(code);
        } else if (code < 0x800) {
            add(0xC0 | code >> 6);
            add(0x80 | (code & 63));
        } else if (code < 0x10000) {
            add(0xE0 | code >> 12);
            add(0x80 | (code >> 6 & 63));
            add(0x80 | (code & 63));
        } else {
            add(0xF0 | code >> 18);
            add(0x80 | (code >> 12 & 63));
            add(0x80 | (code >> 6 & 63));
            add(0x80 | (code & 63));
        }
        ASSERT_EQ(byteByByte(text), text) << std::hex << code;
    }
}

// Expected counts: Unicode standard 15, section 3.9, tables 3-8 to 3-11 (maximal subparts).
TEST(Utf8Stream, ReplacesWhatCanNeverComplete) {
    const std::string r = kBroken;
    EXPECT_EQ(byteByByte("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"), r + r + r + r + r + r + r + r + "A");
    EXPECT_EQ(byteByByte("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41"), r + r + r + r + r + r + r + r + "A");
    EXPECT_EQ(byteByByte("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42"), r + r + r + r + r + "A" + r + r + "B");
    EXPECT_EQ(byteByByte("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"), r + r + r + r + "A");
}

TEST(Utf8Stream, SaysAtTheEndThatACharacterWasCut) {
    Utf8Stream stream;
    EXPECT_EQ(stream.push("x\xE2\x82"), "x");
    EXPECT_EQ(stream.finish(), kBroken);
    EXPECT_EQ(stream.finish(), "");
    EXPECT_EQ(stream.push("y"), "y");
}

} // namespace
} // namespace moescope::model
