#include "engine/model/chat_forms.h"

#include "engine/model/answer_parts.h"

#include <fmt/format.h>

#include <algorithm>

namespace moescope::model {

const MarkedForm kChatMl{.name = "ChatML",
                         .beforeSystem = "<|im_start|>system\n",
                         .afterSystem = "<|im_end|>\n",
                         .beforeUser = "<|im_start|>user\n",
                         .afterUser = "<|im_end|>\n",
                         .beforeAnswer = "<|im_start|>assistant\n",
                         .afterAnswer = "<|im_end|>\n",
                         .opening = "<|im_start|>assistant\n"};
const MarkedForm kLlama3{.name = "Llama 3",
                         .beforeSystem = "<|start_header_id|>system<|end_header_id|>\n\n",
                         .afterSystem = "<|eot_id|>",
                         .beforeUser = "<|start_header_id|>user<|end_header_id|>\n\n",
                         .afterUser = "<|eot_id|>",
                         .beforeAnswer = "<|start_header_id|>assistant<|end_header_id|>\n\n",
                         .afterAnswer = "<|eot_id|>",
                         .opening = "<|start_header_id|>assistant<|end_header_id|>\n\n",
                         .trims = true};
const MarkedForm kZephyr{.name = "Zephyr",
                         .beforeSystem = "<|system|>\n",
                         .afterSystem = "{}\n",
                         .beforeUser = "<|user|>\n",
                         .afterUser = "{}\n",
                         .beforeAnswer = "<|assistant|>\n",
                         .afterAnswer = "{}\n",
                         .opening = "<|assistant|>\n"};
const MarkedForm kTulu{.name = "Tulu",
                       .beforeSystem = "<|system|>\n",
                       .afterSystem = "\n",
                       .beforeUser = "<|user|>\n",
                       .afterUser = "\n",
                       .beforeAnswer = "<|assistant|>\n",
                       .afterAnswer = "{}\n",
                       .opening = "<|assistant|>\n"};
const MarkedForm kDeepSeek2{.name = "DeepSeek-V2",
                            .beforeSystem = "",
                            .afterSystem = "\n\n",
                            .beforeUser = "User: ",
                            .afterUser = "\n\n",
                            .beforeAnswer = "Assistant: ",
                            .afterAnswer = "{}",
                            .opening = "Assistant:"};
const MarkedForm kDeepSeek3{.name = "DeepSeek-V3",
                            .beforeSystem = "",
                            .afterSystem = "",
                            .beforeUser = "<｜User｜>",
                            .afterUser = "",
                            .beforeAnswer = "<｜Assistant｜>",
                            .afterAnswer = "<｜end▁of▁sentence｜>",
                            .opening = "<｜Assistant｜>"};

namespace {

std::string_view trimmed(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(" \n\r\t"), text.size()));
    return text.substr(0, text.find_last_not_of(" \n\r\t") + 1);
}

class Marked final : public ChatTemplate {
public:
    Marked(const MarkedForm& form, std::string end, ChatFormFacts facts)
        : ChatTemplate(facts), m_form(form), m_end(std::move(end)) {}

    std::string_view name() const override { return m_form.name; }
    std::string render(std::span<const ChatPart> conversation) const override {
        std::string text;
        for (const ChatPart& part : conversation) {
            const bool answered = part.role == ChatRole::Assistant;
            const std::string said =
                answered ? AnswerParts::answerOf(part.text, facts().opensThinking) : std::string(part.text);
            const auto [before, after] = marks(part.role);
            text += before;
            text += m_form.trims || answered ? trimmed(said) : std::string_view(said);
            text += after == "{}" || after == "{}\n" ? m_end + std::string(after.substr(2)) : std::string(after);
        }
        text += m_form.opening;
        return facts().opensThinking ? text + "<think>\n" : text;
    }

private:
    std::pair<std::string_view, std::string_view> marks(ChatRole role) const {
        switch (role) {
        case ChatRole::System:
            return {m_form.beforeSystem, m_form.afterSystem};
        case ChatRole::User:
            return {m_form.beforeUser, m_form.afterUser};
        case ChatRole::Assistant:
            break;
        }
        return {m_form.beforeAnswer, m_form.afterAnswer};
    }

    const MarkedForm& m_form;
    std::string m_end;
};

class Instruction final : public ChatTemplate {
public:
    Instruction(const InstructionStyle& style, std::string end, ChatFormFacts facts)
        : ChatTemplate(facts), m_style(style), m_end(std::move(end)) {}

    std::string_view name() const override { return m_style.name; }
    std::string render(std::span<const ChatPart> conversation) const override {
        std::string text;
        std::string system;
        for (const ChatPart& part : conversation) {
            if (part.role == ChatRole::System) {
                system += fmt::format(fmt::runtime(m_style.systemFrame), part.text);
            } else if (part.role == ChatRole::User) {
                text += fmt::format("{}{}{}{}", m_style.open, system, part.text, m_style.close);
                system.clear();
            } else {
                std::string said = AnswerParts::answerOf(part.text, facts().opensThinking);
                said.erase(0, std::min(said.find_first_not_of(' '), said.size()));
                text += fmt::format(" {}{}", said, m_end);
            }
        }
        return facts().opensThinking ? text + "<think>\n" : text;
    }

private:
    InstructionStyle m_style;
    std::string m_end;
};

/// After OpenAI's "harmony" guide. The template also writes the day; without a clock here the line is left out.
class Harmony final : public ChatTemplate {
public:
    explicit Harmony(ChatFormFacts facts) : ChatTemplate(facts) {}

    std::string_view name() const override { return "harmony"; }
    std::string render(std::span<const ChatPart> conversation) const override {
        std::string text = "<|start|>system<|message|>You are ChatGPT, a large language model trained by OpenAI.\n"
                           "Knowledge cutoff: 2024-06\n\nReasoning: medium\n\n"
                           "# Valid channels: analysis, commentary, final. Channel must be included for every message.<|end|>";
        for (const ChatPart& part : conversation) {
            if (part.role == ChatRole::System)
                text += fmt::format("<|start|>developer<|message|># Instructions\n\n{}\n\n<|end|>", part.text);
            else if (part.role == ChatRole::User)
                text += fmt::format("<|start|>user<|message|>{}<|end|>", part.text);
            else
                text += fmt::format("<|start|>assistant<|channel|>final<|message|>{}<|end|>", AnswerParts::answerOf(part.text));
        }
        return text + "<|start|>assistant";
    }
};

} // namespace

std::string ChatTemplate::shownName() const {
    return fmt::format("{}{}", name(), m_facts.assumed ? " (assumed)" : "");
}

std::unique_ptr<ChatTemplate> makeMarkedForm(const MarkedForm& form, std::string end, ChatFormFacts facts) {
    return std::make_unique<Marked>(form, std::move(end), facts);
}

std::unique_ptr<ChatTemplate> makeInstructionForm(const InstructionStyle& style, std::string end, ChatFormFacts facts) {
    return std::make_unique<Instruction>(style, std::move(end), facts);
}

std::unique_ptr<ChatTemplate> makeHarmonyForm(ChatFormFacts facts) {
    return std::make_unique<Harmony>(facts);
}

} // namespace moescope::model
