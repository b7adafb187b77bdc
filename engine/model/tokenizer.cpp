#include "engine/model/tokenizer.h"

#include "engine/model/model_error.h"
#include "engine/model/spm_tokenizer.h"

#include <fmt/format.h>

namespace moescope::model {

std::unique_ptr<Tokenizer> makeTokenizer(const GgufFile& file) {
    const auto kind = file.text("tokenizer.ggml.model");
    if (!kind || *kind == "none" || *kind == "no_vocab")
        refuse(file.name(), "it has no tokenizer");
    if (*kind != "llama")
        refuse(file.name(),
               fmt::format("its tokenizer {} is not supported; this version reads 'llama' (SentencePiece)", quotedName(*kind)));
    return std::make_unique<SpmTokenizer>(readVocabulary(file), file.name());
}

} // namespace moescope::model
