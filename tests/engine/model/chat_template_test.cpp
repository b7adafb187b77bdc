#include "engine/model/chat_template.h"

#include "engine/model/tokenizer.h"
#include "tests/support/gguf_writer.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace moescope::model {
namespace {

std::string render(const std::vector<ChatPart>& parts, std::string_view jinja = "", std::string* name = nullptr) {
    tests::GgufWriter writer;
    if (!jinja.empty())
        writer.set("tokenizer.chat_template", jinja);
    const auto bytes = writer.bytes();
    const auto form = makeChatTemplate(GgufFile(bytes, "chat.gguf"));
    if (name)
        *name = form->name();
    return form->render(parts);
}

const std::vector<ChatPart> kTwoTurns{{ChatRole::User, "a"}, {ChatRole::Assistant, " b"}, {ChatRole::User, "c"}};

TEST(ChatTemplate, WritesInstructionsAsTheBundledModelLearntThem) {
    EXPECT_EQ(render({{ChatRole::User, "Tell me a story."}}), "[INST] Tell me a story. [/INST]");
    EXPECT_EQ(render(kTwoTurns), "[INST] a [/INST] b</s>[INST] c [/INST]");
    EXPECT_EQ(render({{ChatRole::User, "a"}, {ChatRole::Assistant, "b"}, {ChatRole::User, "c"}}), render(kTwoTurns));
}

TEST(ChatTemplate, PutsTheSystemTextBeforeTheFirstRequest) {
    const std::vector<ChatPart> parts{
        {ChatRole::System, "Be {brief}."}, {ChatRole::User, "a"}, {ChatRole::Assistant, "b"}, {ChatRole::User, "c"}};
    EXPECT_EQ(render(parts), "[INST] Be {brief}.\n\na [/INST] b</s>[INST] c [/INST]");
    EXPECT_EQ(render(parts, "{% if system %}<<SYS>>[INST]"),
              "[INST] <<SYS>>\nBe {brief}.\n<</SYS>>\n\na [/INST] b</s>[INST] c [/INST]");
}

TEST(ChatTemplate, IsRecognisedByItsFingerprint) {
    std::string name;
    EXPECT_EQ(render(kTwoTurns, "{{ '[INST] ' + message['content'] + ' [/INST]' }}", &name), render(kTwoTurns));
    EXPECT_EQ(name, "[INST]");
    EXPECT_EQ(render({{ChatRole::System, "s"}, {ChatRole::User, "a"}}, "{{'<|im_start|>' + message['role']}}", &name),
              "<|im_start|>system\ns<|im_end|>\n<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n");
    EXPECT_EQ(name, "ChatML");
    render(kTwoTurns, "### Question:", &name);
    EXPECT_EQ(name, "[INST] (assumed)");
}

TEST(ChatTemplate, TurnsTheEndOfAnAnswerIntoTheEndToken) {
    const GgufFile file(std::filesystem::path(MOESCOPE_SOURCE_DIR) / "resources/model/model-q8_0.gguf");
    const auto tokenizer = makeTokenizer(file);
    const auto form = makeChatTemplate(file);
    const auto first = tokenizer->encode(form->render(std::span(kTwoTurns).first(1)), true, true);
    const auto both = tokenizer->encode(form->render(kTwoTurns), true, true);
    ASSERT_EQ(first.front(), tokenizer->bos());
    // The second turn continues the first one, so that its keys and values can be reused.
    ASSERT_GT(both.size(), first.size() + 1);
    EXPECT_TRUE(std::equal(first.begin(), first.end(), both.begin()));
    const auto end = std::find(both.begin(), both.end(), tokenizer->eos());
    ASSERT_NE(end, both.end());
    EXPECT_TRUE(std::equal(first.begin() + 1, first.begin() + 4, end + 1));
}

} // namespace
} // namespace moescope::model
