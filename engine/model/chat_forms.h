#pragma once
#include "engine/model/chat_template.h"

namespace moescope::model {

/// A form in which each message stands between two texts of its role. `{}` in them is the tokenizer's end token.
struct MarkedForm {
    std::string_view name;
    std::string_view beforeSystem, afterSystem;
    std::string_view beforeUser, afterUser;
    std::string_view beforeAnswer, afterAnswer;
    std::string_view opening; ///< where the answer begins
    bool trims = false;       ///< messages lose the space around them
};

extern const MarkedForm kChatMl;    ///< Qwen and several fine-tuned Mixtrals
extern const MarkedForm kLlama3;    ///< Llama 3
extern const MarkedForm kZephyr;    ///< Zephyr
extern const MarkedForm kTulu;      ///< OLMoE-Instruct, Tulu
extern const MarkedForm kDeepSeek2; ///< DeepSeek-V2, -V2-Lite
extern const MarkedForm kDeepSeek3; ///< DeepSeek-V2.5, -V3, -R1

std::unique_ptr<ChatTemplate> makeMarkedForm(const MarkedForm& form, std::string end, ChatFormFacts facts);

/// `[INST] request [/INST] answer</s>`; a system text goes before the next request. The frame's `{}` is the system text.
struct InstructionStyle {
    std::string_view name;
    std::string_view open = "[INST] ";
    std::string_view close = " [/INST]";
    std::string_view systemFrame = "{}\n\n";
};
std::unique_ptr<ChatTemplate> makeInstructionForm(const InstructionStyle& style, std::string end, ChatFormFacts facts);

/// gpt-oss's response format with its channels; a system text becomes the developer's instructions.
std::unique_ptr<ChatTemplate> makeHarmonyForm(ChatFormFacts facts);

} // namespace moescope::model
