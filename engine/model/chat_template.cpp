#include "engine/model/chat_template.h"

#include <fmt/format.h>

#include <algorithm>

namespace moescope::model {
namespace {

std::string_view withoutLeadingSpaces(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    return text;
}

std::string tokenText(const GgufFile& file, std::string_view idKey, std::string_view usual) {
    const auto id = file.integer(idKey);
    const auto tokens = id ? file.texts("tokenizer.ggml.tokens") : std::nullopt;
    if (!tokens || *id < 0 || static_cast<std::uint64_t>(*id) >= tokens->size())
        return std::string(usual);
    return std::string((*tokens)[static_cast<std::size_t>(*id)]);
}

/// `[INST] request [/INST] answer</s>`: Mixtral and the bundled model. A system text goes before the next user text.
class InstructionForm final : public ChatTemplate {
public:
    InstructionForm(std::string_view name, std::string systemFrame, std::string end)
        : m_name(name), m_systemFrame(std::move(systemFrame)), m_end(std::move(end)) {}

    std::string_view name() const override { return m_name; }
    std::string render(std::span<const ChatPart> conversation) const override {
        std::string text;
        std::string system;
        for (const ChatPart& part : conversation) {
            if (part.role == ChatRole::System) {
                system += fmt::format(fmt::runtime(m_systemFrame), part.text);
            } else if (part.role == ChatRole::User) {
                text += fmt::format("[INST] {}{} [/INST]", system, part.text);
                system.clear();
            } else {
                text += fmt::format(" {}{}", withoutLeadingSpaces(part.text), m_end);
            }
        }
        return text;
    }

private:
    std::string m_name;
    std::string m_systemFrame;
    std::string m_end;
};

/// `<|im_start|>role\ntext<|im_end|>`: several fine-tuned Mixtrals.
class ChatMarkupForm final : public ChatTemplate {
public:
    std::string_view name() const override { return "ChatML"; }
    std::string render(std::span<const ChatPart> conversation) const override {
        std::string text;
        for (const ChatPart& part : conversation)
            text += fmt::format("<|im_start|>{}\n{}<|im_end|>\n", roleName(part.role), part.text);
        return text + "<|im_start|>assistant\n";
    }

private:
    static std::string_view roleName(ChatRole role) {
        return role == ChatRole::System ? "system" : role == ChatRole::User ? "user" : "assistant";
    }
};

} // namespace

std::unique_ptr<ChatTemplate> makeChatTemplate(const GgufFile& file) {
    const std::string_view jinja = file.text("tokenizer.chat_template").value_or("");
    const auto has = [jinja](std::string_view mark) { return jinja.find(mark) != std::string_view::npos; };
    const std::string end = tokenText(file, "tokenizer.ggml.eos_token_id", "</s>");
    if (has("<|im_start|>"))
        return std::make_unique<ChatMarkupForm>();
    if (has("<<SYS>>"))
        return std::make_unique<InstructionForm>("[INST] with <<SYS>>", "<<SYS>>\n{}\n<</SYS>>\n\n", end);
    const bool known = jinja.empty() || has("[INST]");
    return std::make_unique<InstructionForm>(known ? "[INST]" : "[INST] (assumed)", "{}\n\n", end);
}

} // namespace moescope::model
