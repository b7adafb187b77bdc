#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

namespace moescope::model {

/// Reads little-endian numbers and GGUF strings from bytes and never past their end. A value on the stack of whoever parses.
class ByteCursor {
public:
    explicit ByteCursor(std::span<const std::byte> bytes) : m_bytes(bytes) {}

    std::size_t position() const { return m_at; }
    std::size_t remaining() const { return m_bytes.size() - m_at; }

    /// Nothing when fewer than `count` bytes are left.
    std::optional<std::span<const std::byte>> take(std::uint64_t count) {
        if (count > remaining())
            return std::nullopt;
        const auto taken = m_bytes.subspan(m_at, static_cast<std::size_t>(count));
        m_at += static_cast<std::size_t>(count);
        return taken;
    }

    template <class Number>
    std::optional<Number> number() {
        static_assert(std::is_arithmetic_v<Number> && !std::is_same_v<Number, bool>);
        const auto bytes = take(sizeof(Number));
        if (!bytes)
            return std::nullopt;
        Number value{};
        std::memcpy(&value, bytes->data(), sizeof value);
        return value;
    }

    /// u64 length, then that many bytes.
    std::optional<std::string_view> text() {
        const auto length = number<std::uint64_t>();
        const auto bytes = length ? take(*length) : std::nullopt;
        if (!bytes)
            return std::nullopt;
        return std::string_view(reinterpret_cast<const char*>(bytes->data()), bytes->size());
    }

private:
    std::span<const std::byte> m_bytes;
    std::size_t m_at = 0;
};

} // namespace moescope::model
