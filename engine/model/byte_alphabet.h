#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace moescope::model {

/// The printable characters by which byte-level vocabularies write bytes (GPT-2, `bytes_to_unicode`): printable Latin-1 stands
/// for itself, the other 68 bytes are U+0100 and up.
std::string inByteAlphabet(std::string_view bytes);
/// The bytes again; nothing if the text has a character that stands for no byte.
std::optional<std::string> outOfByteAlphabet(std::string_view text);

} // namespace moescope::model
