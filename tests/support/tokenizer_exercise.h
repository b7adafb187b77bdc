#pragma once
#include "engine/model/answer_parts.h"
#include "engine/model/chat_template.h"
#include "engine/model/tokenizer.h"

#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace moescope::tests {

/// What stands between the vocabulary and the text in an input of exerciseTokenizer().
inline constexpr std::string_view kTextMark = "\n--text--\n";

/// Reads a vocabulary from the bytes of a GGUF file before kTextMark and everything a chat does with it, on the text behind.
/// A refusal (std::runtime_error) is an answer; anything else is a defect. Aborts where pieces of known bytes are lost.
inline void exerciseTokenizer(std::string_view input) {
    const std::size_t mark = input.rfind(kTextMark);
    const std::string_view bytes = input.substr(0, mark);
    const std::string_view text = mark == std::string_view::npos ? "a text" : input.substr(mark + kTextMark.size());
    try {
        const model::GgufFile file(std::as_bytes(std::span(bytes)), "fuzz.gguf");
        const auto form = model::makeChatTemplate(file);
        const model::ChatPart part{model::ChatRole::User, text};
        const std::string rendered = form->render({&part, 1});
        const auto tokenizer = model::makeTokenizer(file);
        for (const bool special : {false, true}) {
            for (const std::string_view said : {text, std::string_view(rendered)}) {
                model::Utf8Stream stream;
                model::AnswerParts parts(form->facts().opensThinking);
                for (const std::int32_t id : tokenizer->encode(said, true, special)) {
                    if (id < 0 || id >= tokenizer->size())
                        std::abort();
                    parts.push(stream.push(tokenizer->piece(id)));
                }
                parts.push(stream.finish());
                parts.finish();
            }
        }
    } catch (const std::runtime_error&) {
    }
}

} // namespace moescope::tests
