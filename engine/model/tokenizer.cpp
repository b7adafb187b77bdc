#include "engine/model/tokenizer.h"

#include "engine/model/bpe_tokenizer.h"
#include "engine/model/model_error.h"
#include "engine/model/spm_tokenizer.h"

#include <fmt/format.h>

namespace moescope::model {
namespace {

const PreTokenizerKind& preTokenizerOf(const GgufFile& file) {
    const auto name = file.text("tokenizer.ggml.pre");
    const PreTokenizerKind* const kind = name ? findPreTokenizer(*name) : nullptr;
    if (!kind)
        refuse(file.name(), fmt::format("its tokenizer cuts texts {}; this version knows {}",
                                        name ? fmt::format("by rules named {}, which are not supported", quotedName(*name))
                                             : "by rules that the file does not name ('tokenizer.ggml.pre' is missing)",
                                        preTokenizerNames()));
    return *kind;
}

std::unique_ptr<Tokenizer> makeBpe(const GgufFile& file) {
    const PreTokenizerKind& kind = preTokenizerOf(file);
    const auto merges = file.texts("tokenizer.ggml.merges");
    if (!merges)
        refuse(file.name(), "metadata key 'tokenizer.ggml.merges' is missing");
    const VocabularyDefaults defaults{.bos = -1, .eos = -1, .unknown = -1, .addBos = kind.addBos, .addSpacePrefix = false};
    return std::make_unique<BpeTokenizer>(readVocabulary(file, defaults), *merges, kind, file.name());
}

} // namespace

std::unique_ptr<Tokenizer> makeTokenizer(const GgufFile& file) {
    const auto kind = file.text("tokenizer.ggml.model");
    if (!kind || *kind == "none" || *kind == "no_vocab")
        refuse(file.name(), "it has no tokenizer");
    if (*kind == "gpt2")
        return makeBpe(file);
    if (*kind != "llama")
        refuse(file.name(),
               fmt::format(
                   "its tokenizer {} is not supported; this version reads 'llama' (SentencePiece) and 'gpt2' (byte-level BPE)",
                   quotedName(*kind)));
    return std::make_unique<SpmTokenizer>(readVocabulary(file, VocabularyDefaults{}), file.name());
}

} // namespace moescope::model
