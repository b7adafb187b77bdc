#include "engine/model/byte_alphabet.h"

#include <array>
#include <cstdint>

namespace moescope::model {
namespace {

constexpr int kCharacters = 256 + 68;

constexpr bool isPrintable(int byte) {
    return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr std::array<std::uint16_t, 256> characterOfBytes() {
    std::array<std::uint16_t, 256> characters{};
    std::uint16_t next = 256;
    for (int byte = 0; byte < 256; ++byte)
        characters[static_cast<std::size_t>(byte)] = isPrintable(byte) ? static_cast<std::uint16_t>(byte) : next++;
    return characters;
}
constexpr auto kCharacterOf = characterOfBytes();

constexpr std::array<std::int16_t, kCharacters> byteOfCharacters() {
    std::array<std::int16_t, kCharacters> bytes{};
    bytes.fill(-1);
    for (std::size_t byte = 0; byte < 256; ++byte)
        bytes[kCharacterOf[byte]] = static_cast<std::int16_t>(byte);
    return bytes;
}
constexpr auto kByteOf = byteOfCharacters();

} // namespace

std::string inByteAlphabet(std::string_view bytes) {
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const char c : bytes) {
        const unsigned character = kCharacterOf[static_cast<unsigned char>(c)];
        if (character >= 0x80)
            text += static_cast<char>(0xC0 | character >> 6);
        text += static_cast<char>(character < 0x80 ? character : 0x80 | (character & 63));
    }
    return text;
}

std::optional<std::string> outOfByteAlphabet(std::string_view text) {
    std::string bytes;
    bytes.reserve(text.size());
    for (std::size_t at = 0; at < text.size(); ++at) {
        unsigned character = static_cast<unsigned char>(text[at]);
        if (character >= 0x80) {
            // All of the alphabet is within two bytes of UTF-8.
            if ((character & 0xE0) != 0xC0 || at + 1 == text.size() || (text[at + 1] & 0xC0) != 0x80)
                return std::nullopt;
            character = (character & 31) << 6 | (static_cast<unsigned char>(text[++at]) & 63U);
        }
        if (character >= kCharacters || kByteOf[character] < 0)
            return std::nullopt;
        bytes += static_cast<char>(kByteOf[character]);
    }
    return bytes;
}

} // namespace moescope::model
