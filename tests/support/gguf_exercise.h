#pragma once
#include "engine/model/chat_template.h"
#include "engine/model/model_config.h"
#include "engine/model/tokenizer.h"

#include <array>
#include <cstddef>
#include <span>
#include <stdexcept>

namespace moescope::tests {

/// Does with untrusted bytes what the program does with a model file before it runs it: parse, read configuration, facts and
/// tokenizer, decode the first block of each tensor. Refusals are swallowed; anything else that is wrong is left to crash.
/// Says how far the bytes got: 0 refused, 1 parsed, 2 usable as a model. Shared by the fuzz target and the mutation test.
inline int exerciseGguf(std::span<const std::byte> bytes) {
    int stage = 0;
    try {
        const model::GgufFile file(bytes, "mutation.gguf");
        stage = 1;
        (void)file.hash();
        for (const model::TensorView& tensor : file.tensors()) {
            std::array<float, 256> values{};
            const auto block = static_cast<std::size_t>(model::typeTraits(tensor.type).blockElements);
            model::dequantise(tensor.type, tensor.data, std::span(values).first(block));
            const model::TensorView last = tensor.slice(tensor.ne[2] * tensor.ne[3] - 1);
            const volatile std::byte end = last.row(tensor.ne[1] - 1)[tensor.rowBytes() - 1];
            (void)end;
        }
        try {
            const auto tokenizer = model::makeTokenizer(file);
            for (const std::int32_t token : tokenizer->encode(" Hello\nw\xC3\xB6rld</s> [INST]", true, true))
                (void)tokenizer->piece(token);
        } catch (const std::runtime_error&) {
        }
        (void)model::makeChatTemplate(file)->render({});
        (void)model::readModelFacts(file, model::readModelConfig(file));
        stage = 2;
    } catch (const std::runtime_error&) {
    }
    return stage;
}

} // namespace moescope::tests
