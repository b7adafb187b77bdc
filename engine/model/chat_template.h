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

/// Renders a conversation the way the model was trained on it. Recognised by fingerprint of `tokenizer.chat_template`; the
/// `llama` family without one gets the [INST] form `[INST] request [/INST] answer</s>`.
class ChatTemplate {
public:
    virtual ~ChatTemplate() = default;
    virtual std::string_view name() const = 0;
    /// Text for Tokenizer::encode(addBos = true, parseSpecial = true), ending where the assistant's answer begins.
    virtual std::string render(std::span<const ChatPart> conversation) const = 0;
};
std::unique_ptr<ChatTemplate> makeChatTemplate(const GgufFile& file);

} // namespace moescope::model
