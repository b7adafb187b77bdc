// Writes the files that gguf_fuzz starts from into the folder named on the command line.
#include "tests/support/tiny_model.h"

#include <filesystem>

int main(int argc, char** argv) {
    using namespace moescope::tests;
    if (argc != 2)
        return 2;
    const std::filesystem::path folder = argv[1];
    std::filesystem::create_directories(folder);
    TinyModelShape shape;
    shape.layers = 1;
    shape.experts = 2;
    shape.expertWidth = 32;
    tinyModel(shape).writeTo(folder / "model.gguf");

    const std::vector<std::string> tokens{"<unk>", "<s>", "</s>", "<0x0A>", "\u2581", "a", "\u2581a"};
    const std::vector<float> scores{0, 0, 0, 0, -2, -1, -3};
    const std::vector<std::int32_t> types{2, 3, 3, 6, 1, 1, 1};
    GgufWriter()
        .set("general.architecture", "llama")
        .set("general.alignment", std::uint32_t{64})
        .set("tokenizer.ggml.model", "llama")
        .set("tokenizer.ggml.tokens", tokens)
        .set("tokenizer.ggml.scores", scores)
        .set("tokenizer.ggml.token_type", types)
        .set("tokenizer.chat_template", "[INST] <<SYS>>")
        .writeTo(folder / "tokenizer.gguf");

    GgufWriter formats;
    for (const moescope::model::TensorType type : moescope::model::tensorTypes()) {
        const auto& traits = moescope::model::typeTraits(type);
        formats.addTensor(
            traits.name, type, {256, 2},
            std::vector<std::byte>(static_cast<std::size_t>(512 / traits.blockElements * traits.blockBytes), std::byte{0x2C}));
    }
    formats.set("split.no", std::uint16_t{0}).set("split.count", std::uint16_t{1}).set("split.tensors.count", 16);
    formats.writeTo(folder / "formats.gguf");

    GgufWriter metadata;
    addTinyMetadata(metadata, shape).set("split.count", std::uint16_t{1}).set("llama.rope.scaling.type", "linear");
    metadata.addTensor("half", moescope::model::TensorType::F16, {2, 2}, std::vector<std::byte>(8))
        .writeTo(folder / "metadata.gguf");
}
