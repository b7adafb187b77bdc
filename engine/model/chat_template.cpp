#include "engine/model/chat_template.h"

#include "engine/model/chat_forms.h"

#include <algorithm>

namespace moescope::model {
namespace {

enum class Family {
    None,
    ChatMl,
    Llama3,
    Zephyr,
    Tulu,
    DeepSeek2,
    DeepSeek3,
    Harmony,
    LlamaSystem,
    Mistral1,
    Mistral3,
    Instruction
};

std::string tokenText(const GgufFile& file, std::string_view idKey, std::string_view usual) {
    const auto id = file.integer(idKey);
    const auto tokens = id ? file.texts("tokenizer.ggml.tokens") : std::nullopt;
    if (!tokens || *id < 0 || static_cast<std::uint64_t>(*id) >= tokens->size())
        return std::string(usual);
    return std::string((*tokens)[static_cast<std::size_t>(*id)]);
}

/// By the texts that only this family's template writes.
Family familyOfTemplate(std::string_view jinja) {
    const auto has = [jinja](std::string_view mark) { return jinja.find(mark) != std::string_view::npos; };
    if (has("<|im_start|>"))
        return Family::ChatMl;
    if (has("<|start_header_id|>"))
        return Family::Llama3;
    if (has("<|channel|>") && has("<|start|>"))
        return Family::Harmony;
    if (has("<｜Assistant｜>"))
        return Family::DeepSeek3;
    if (has("'Assistant: ' + message['content']"))
        return Family::DeepSeek2;
    if (has("<|user|>") && has("<|assistant|>"))
        return has("<|user|>\\n' + message['content'] + eos_token") ? Family::Zephyr : Family::Tulu;
    if (!has("[INST]"))
        return has("<<SYS>>") ? Family::LlamaSystem : Family::None;
    return has("<<SYS>>")             ? Family::LlamaSystem
           : has("[AVAILABLE_TOOLS]") ? Family::Mistral3
           : has("' [INST] '")        ? Family::Mistral1
                                      : Family::Instruction;
}

/// Without a template that is known: by the tokens a form needs, then by the architecture that usually has it.
Family familyOfModel(const GgufFile& file) {
    const auto tokens = file.texts("tokenizer.ggml.tokens");
    const auto has = [&](std::string_view text) {
        return tokens && std::find(tokens->begin(), tokens->end(), text) != tokens->end();
    };
    const std::string_view architecture = file.text("general.architecture").value_or("");
    if (has("<|im_start|>") || architecture.starts_with("qwen"))
        return Family::ChatMl;
    if (has("<|start_header_id|>"))
        return Family::Llama3;
    if (has("<|channel|>") || architecture == "gpt-oss")
        return Family::Harmony;
    if (has("<｜Assistant｜>"))
        return Family::DeepSeek3;
    if (architecture == "deepseek2")
        return Family::DeepSeek2;
    return architecture == "olmoe" ? Family::Tulu : Family::Instruction;
}

/// Whether the text that a template writes before an answer ends with an open thought. Templates that let the caller choose
/// (`enable_thinking`) write a closed one there, if any.
bool opensThinking(std::string_view jinja) {
    const std::size_t last = jinja.rfind("add_generation_prompt");
    const std::string_view ending = jinja.substr(std::min(last, jinja.size()));
    return ending.find("<think>") != std::string_view::npos && ending.find("</think>") == std::string_view::npos;
}

std::unique_ptr<ChatTemplate> makeForm(Family family, std::string end, ChatFormFacts facts) {
    switch (family) {
    case Family::ChatMl:
        return makeMarkedForm(kChatMl, std::move(end), facts);
    case Family::Llama3:
        return makeMarkedForm(kLlama3, std::move(end), facts);
    case Family::Zephyr:
        return makeMarkedForm(kZephyr, std::move(end), facts);
    case Family::Tulu:
        return makeMarkedForm(kTulu, std::move(end), facts);
    case Family::DeepSeek2:
        return makeMarkedForm(kDeepSeek2, std::move(end), facts);
    case Family::DeepSeek3:
        return makeMarkedForm(kDeepSeek3, std::move(end), facts);
    case Family::Harmony:
        return makeHarmonyForm(facts);
    case Family::LlamaSystem:
        return makeInstructionForm({.name = "[INST] with <<SYS>>", .systemFrame = "<<SYS>>\n{}\n<</SYS>>\n\n"}, std::move(end),
                                   facts);
    case Family::Mistral1:
        return makeInstructionForm({.name = "[INST] v1", .open = " [INST] "}, std::move(end), facts);
    case Family::Mistral3:
        return makeInstructionForm({.name = "[INST] v3", .close = "[/INST]"}, std::move(end), facts);
    case Family::None:
    case Family::Instruction:
        break;
    }
    return makeInstructionForm({.name = "[INST]"}, std::move(end), facts);
}

} // namespace

std::unique_ptr<ChatTemplate> makeChatTemplate(const GgufFile& file) {
    const std::string_view jinja = file.text("tokenizer.chat_template").value_or("");
    const Family known = familyOfTemplate(jinja);
    const Family family = known == Family::None ? familyOfModel(file) : known;
    const bool spm = file.text("tokenizer.ggml.model").value_or("llama") == "llama";
    // The bundled model, and what was trained as it was, has no template.
    const bool asBundled = jinja.empty() && spm && family == Family::Instruction;
    const ChatFormFacts facts{.assumed = known == Family::None && !asBundled,
                              .wantsBos = jinja.find("bos_token") != std::string_view::npos,
                              .opensThinking = opensThinking(jinja)};
    return makeForm(family, tokenText(file, "tokenizer.ggml.eos_token_id", spm ? "</s>" : ""), facts);
}

} // namespace moescope::model
