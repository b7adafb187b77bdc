#include "engine/model/chat_template.h"

#include "engine/model/tokenizer.h"
#include "tests/support/gguf_writer.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace moescope::model {
namespace {

std::string render(const std::vector<ChatPart>& parts, std::string_view jinja = "", std::string* name = nullptr,
                   std::string_view end = "", std::string_view architecture = "") {
    tests::GgufWriter writer;
    if (!end.empty())
        writer.set("tokenizer.ggml.model", "gpt2")
            .set("tokenizer.ggml.tokens", std::vector<std::string>{std::string(end)})
            .set("tokenizer.ggml.eos_token_id", std::uint32_t{0});
    if (!architecture.empty())
        writer.set("general.architecture", architecture);
    if (!jinja.empty())
        writer.set("tokenizer.chat_template", jinja);
    const auto bytes = writer.bytes();
    const auto form = makeChatTemplate(GgufFile(bytes, "chat.gguf"));
    if (name)
        *name = form->shownName();
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

const std::vector<ChatPart> kBrief{{ChatRole::System, "Be brief."},
                                   {ChatRole::User, "a"},
                                   {ChatRole::Assistant, "<think>\nhm\n</think>\n\nb"},
                                   {ChatRole::User, "c"}};

// What the published templates of Qwen3, Llama 3.1 and DeepSeek-V3 give in a Jinja engine, without the token that encode()
// adds.
TEST(ChatTemplate, WritesWhatPublishedTemplatesWrite) {
    std::string name;
    EXPECT_EQ(render(kBrief, "{{- '<|im_start|>' + message.role", &name, "<|im_end|>"),
              "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n"
              "<|im_start|>user\nc<|im_end|>\n<|im_start|>assistant\n");
    EXPECT_EQ(name, "ChatML");
    EXPECT_EQ(render(kBrief, "{% set content = '<|start_header_id|>' + message['role']", &name, "<|eot_id|>"),
              "<|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\na"
              "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nb<|eot_id|><|start_header_id|>user<|end_header_id|>"
              "\n\nc<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n");
    EXPECT_EQ(name, "Llama 3");
    EXPECT_EQ(render(kBrief, "{{'<｜Assistant｜>' + message['content']", &name, "<｜end▁of▁sentence｜>"),
              "Be brief.<｜User｜>a<｜Assistant｜>b<｜end▁of▁sentence｜><｜User｜>c<｜Assistant｜>");
    EXPECT_EQ(name, "DeepSeek-V3");
    EXPECT_EQ(render(kBrief, "{{ 'Assistant: ' + message['content'] + eos_token }}", &name, "<end>"),
              "Be brief.\n\nUser: a\n\nAssistant: b<end>User: c\n\nAssistant:");
    EXPECT_EQ(name, "DeepSeek-V2");
    EXPECT_EQ(render(kBrief, "{{ bos_token }}<|user|>\\n <|assistant|>\\n", &name, "<end>"),
              "<|system|>\nBe brief.\n<|user|>\na\n<|assistant|>\nb<end>\n<|user|>\nc\n<|assistant|>\n");
    EXPECT_EQ(name, "Tulu");
    EXPECT_EQ(
        render({{ChatRole::User, "a"}}, "{{ '<|user|>\\n' + message['content'] + eos_token }} '<|assistant|>'", &name, "</s>"),
        "<|user|>\na</s>\n<|assistant|>\n");
    EXPECT_EQ(name, "Zephyr");
    EXPECT_EQ(render(kTwoTurns, "[INST] [AVAILABLE_TOOLS]", &name), "[INST] a[/INST] b</s>[INST] c[/INST]");
    EXPECT_EQ(name, "[INST] v3");
}

TEST(ChatTemplate, WritesChannelsWithoutWhatWasThought) {
    const std::vector<ChatPart> parts{
        {ChatRole::System, "Be brief."},
        {ChatRole::User, "a"},
        {ChatRole::Assistant, "<|channel|>analysis<|message|>hm<|start|>assistant<|channel|>final<|message|>b"},
        {ChatRole::User, "c"}};
    std::string name;
    const std::string text = render(parts, "<|start|>assistant<|channel|>", &name);
    EXPECT_EQ(name, "harmony");
    EXPECT_TRUE(text.starts_with("<|start|>system<|message|>You are ChatGPT"));
    EXPECT_TRUE(text.ends_with(
        "<|start|>developer<|message|># Instructions\n\nBe brief.\n\n<|end|><|start|>user<|message|>a<|end|>"
        "<|start|>assistant<|channel|>final<|message|>b<|end|><|start|>user<|message|>c<|end|><|start|>assistant"))
        << text;
}

TEST(ChatTemplate, AssumesByTheModelAndSaysSo) {
    std::string name;
    const auto assumed = [&](std::string_view architecture) {
        render(kTwoTurns, "### Question:", &name, "</s>", architecture);
        return name;
    };
    EXPECT_EQ(assumed("qwen3moe"), "ChatML (assumed)");
    EXPECT_EQ(assumed("olmoe"), "Tulu (assumed)");
    EXPECT_EQ(assumed("deepseek2"), "DeepSeek-V2 (assumed)");
    EXPECT_EQ(assumed("gpt-oss"), "harmony (assumed)");
    EXPECT_EQ(assumed("llama"), "[INST] (assumed)");
    render(kTwoTurns, "", &name, "<|im_start|>", "llama");
    EXPECT_EQ(name, "ChatML (assumed)");
}

TEST(ChatTemplate, OpensTheThoughtThatItsTemplateOpens) {
    const std::string hybrid =
        "<|im_start|>{% if add_generation_prompt %}{{ '<|im_start|>assistant' }}{% if enable_thinking is false "
        "%}{{ '<think>\\n\\n</think>\\n\\n' }}";
    const std::string always = "<|im_start|>{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n<think>\\n' }}";
    EXPECT_TRUE(render({{ChatRole::User, "a"}}, hybrid).ends_with("assistant\n"));
    EXPECT_TRUE(render({{ChatRole::User, "a"}}, always).ends_with("assistant\n<think>\n"));
    const std::string again =
        render({{ChatRole::User, "a"}, {ChatRole::Assistant, "hm</think>\n\nb"}, {ChatRole::User, "c"}}, always);
    EXPECT_NE(again.find("assistant\nb<|im_end|>"), std::string::npos) << again;
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
