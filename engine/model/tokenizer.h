#pragma once
#include "engine/model/gguf_file.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace moescope::model {

/// Text <-> token ids, from GGUF metadata. Immutable after construction; any thread.
class Tokenizer {
public:
    virtual ~Tokenizer() = default;
    /// parseSpecial: control tokens written out in the text ("<s>") become those tokens; user-defined tokens always do.
    virtual std::vector<std::int32_t> encode(std::string_view text, bool addBos, bool parseSpecial) const = 0;
    /// Bytes of one token as they continue a text: SPM's leading-space mark is a space, byte tokens are one byte, control
    /// tokens are empty, but for the marks of gpt-oss's channels.
    virtual std::string_view piece(std::int32_t token) const = 0;
    virtual int size() const = 0;
    virtual std::int32_t bos() const = 0; ///< -1 if none
    virtual std::int32_t eos() const = 0;
    virtual bool addBos() const = 0;
    virtual bool endsGeneration(std::int32_t token) const = 0;
};

/// Throws std::runtime_error with one sentence naming the file and the reason. "llama" (SPM) and "gpt2" (byte-level BPE).
std::unique_ptr<Tokenizer> makeTokenizer(const GgufFile& file);

/// Collects pieces and gives text back at UTF-8 boundaries only; bytes that can never complete become U+FFFD.
class Utf8Stream {
public:
    std::string push(std::string_view bytes);
    std::string finish();

private:
    std::string m_pending;
};

} // namespace moescope::model
