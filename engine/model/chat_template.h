#pragma once
#include "engine/model/gguf_file.h"

#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace moescope::model {

enum class ChatRole { System, User, Assistant };
struct ChatPart {
    ChatRole role = ChatRole::User;
    std::string_view text;
};

/// How sure it is that the model was trained on this form.
struct ChatFormFacts {
    bool assumed = false;       ///< by the model's name, architecture or tokens, for want of a template that is known
    bool wantsBos = false;      ///< the template writes the token, whether or not the tokenizer would
    bool opensThinking = false; ///< the prompt ends with `<think>`: the answer begins as a thought
};

/// Renders a conversation the way the model was trained on it, by fingerprint of `tokenizer.chat_template`. What the model
/// thought in earlier answers is left out, as the published templates do.
class ChatTemplate {
public:
    virtual ~ChatTemplate() = default;
    virtual std::string_view name() const = 0;
    /// Text for Tokenizer::encode(parseSpecial = true), ending where the assistant's answer begins.
    virtual std::string render(std::span<const ChatPart> conversation) const = 0;
    const ChatFormFacts& facts() const { return m_facts; }
    /// "ChatML", "ChatML (assumed)".
    std::string shownName() const;

protected:
    explicit ChatTemplate(ChatFormFacts facts) : m_facts(facts) {}

private:
    ChatFormFacts m_facts;
};

/// Never fails: a template that this version does not know gets the form that fits the model best, marked as assumed.
std::unique_ptr<ChatTemplate> makeChatTemplate(const GgufFile& file);

} // namespace moescope::model
