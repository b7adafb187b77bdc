#pragma once
#include "engine/model/tensor_type.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace moescope::tests {

template <class T>
concept GgufNumber = std::is_arithmetic_v<T> && !std::is_same_v<T, bool>;

/// Writes small GGUF v3 files for tests, straight from the format's description and without the reader's code. Nothing is
/// checked, so that broken files can be written too. Not thread-safe.
class GgufWriter {
public:
    GgufWriter& set(std::string_view key, std::string_view value) {
        return addValue(key, 8, [&](Bytes& content) { putText(content, value); });
    }
    GgufWriter& set(std::string_view key, const char* value) { return set(key, std::string_view(value)); }
    GgufWriter& set(std::string_view key, const std::string& value) { return set(key, std::string_view(value)); }
    GgufWriter& set(std::string_view key, bool value) {
        return addValue(key, 7, [&](Bytes& content) { put(content, static_cast<std::uint8_t>(value)); });
    }
    /// u8 to u64, i8 to i64, float, double: written with exactly that type.
    template <GgufNumber Number>
    GgufWriter& set(std::string_view key, Number value) {
        return addValue(key, kindOf<Number>(), [&](Bytes& content) { put(content, value); });
    }
    GgufWriter& set(std::string_view key, const std::vector<std::string>& values) {
        return addArray(key, 8, values.size(), [&](Bytes& content) {
            for (const std::string& value : values)
                putText(content, value);
        });
    }
    template <GgufNumber Number>
    GgufWriter& set(std::string_view key, const std::vector<Number>& values) {
        return addArray(key, kindOf<Number>(), values.size(), [&](Bytes& content) {
            for (const Number value : values)
                put(content, value);
        });
    }
    /// A value of any type number with any content, for broken files.
    GgufWriter& setRaw(std::string_view key, std::uint32_t kind, std::span<const std::byte> content) {
        return addValue(key, kind, [&](Bytes& out) { out.insert(out.end(), content.begin(), content.end()); });
    }

    /// ne in GGUF order; bytes as they shall be stored.
    GgufWriter& addTensor(std::string_view name, std::uint32_t type, std::vector<std::int64_t> ne,
                          std::span<const std::byte> bytes) {
        return addTensorAt(name, type, std::move(ne), padded(m_data), bytes);
    }
    GgufWriter& addTensor(std::string_view name, model::TensorType type, std::vector<std::int64_t> ne,
                          std::span<const std::byte> bytes) {
        return addTensor(name, static_cast<std::uint32_t>(type), std::move(ne), bytes);
    }
    GgufWriter& addTensor(std::string_view name, std::vector<std::int64_t> ne, std::span<const float> values) {
        return addTensor(name, model::TensorType::F32, std::move(ne), std::as_bytes(values));
    }
    /// The table says `offset`, whatever it is; the bytes are appended to the data all the same.
    GgufWriter& addTensorAt(std::string_view name, std::uint32_t type, std::vector<std::int64_t> ne, std::uint64_t offset,
                            std::span<const std::byte> bytes) {
        Bytes& entry = m_table.emplace_back(std::string(name), Bytes()).second;
        putText(entry, name);
        put(entry, static_cast<std::uint32_t>(ne.size()));
        for (const std::int64_t n : ne)
            put(entry, n);
        put(entry, type);
        put(entry, offset);
        m_data.resize(padded(m_data));
        m_data.insert(m_data.end(), bytes.begin(), bytes.end());
        return *this;
    }
    /// Takes back what set() or addTensor() wrote under this name; a tensor's bytes stay in the data section.
    GgufWriter& remove(std::string_view name) {
        const auto named = [name](const Entry& entry) { return entry.first == name; };
        std::erase_if(m_values, named);
        std::erase_if(m_table, named);
        return *this;
    }
    /// set() instead of what was set before.
    template <class Value>
    GgufWriter& replace(std::string_view key, const Value& value) {
        return remove(key).set(key, value);
    }

    GgufWriter& version(std::uint32_t version) {
        m_version = version;
        return *this;
    }
    /// Of the tensors; call before the first addTensor, and set "general.alignment" to the same number.
    GgufWriter& alignment(std::uint32_t bytes) {
        m_alignment = bytes;
        return *this;
    }

    std::vector<std::byte> bytes() const {
        std::vector<std::byte> file;
        put(file, std::uint32_t{0x46554747});
        put(file, m_version);
        put(file, static_cast<std::uint64_t>(m_table.size()));
        put(file, static_cast<std::uint64_t>(m_values.size()));
        for (const auto* entries : {&m_values, &m_table})
            for (const Entry& entry : *entries)
                file.insert(file.end(), entry.second.begin(), entry.second.end());
        file.resize(padded(file));
        file.insert(file.end(), m_data.begin(), m_data.end());
        file.resize(padded(file));
        return file;
    }
    void writeTo(const std::filesystem::path& path) const {
        const std::vector<std::byte> content = bytes();
        std::ofstream out(path, std::ios::binary);
        out.write(reinterpret_cast<const char*>(content.data()), static_cast<std::streamsize>(content.size()));
        if (!out.flush())
            throw std::runtime_error("cannot write " + path.string());
    }

private:
    using Bytes = std::vector<std::byte>;
    using Entry = std::pair<std::string, Bytes>;

    template <class Number>
    static void put(Bytes& out, Number value) {
        out.resize(out.size() + sizeof value);
        std::memcpy(out.data() + out.size() - sizeof value, &value, sizeof value);
    }
    static void putText(Bytes& out, std::string_view text) {
        put(out, static_cast<std::uint64_t>(text.size()));
        const auto bytes = std::as_bytes(std::span(text));
        out.insert(out.end(), bytes.begin(), bytes.end());
    }
    template <class Number>
    static constexpr std::uint32_t kindOf() {
        if constexpr (std::is_same_v<Number, float>)
            return 6;
        else if constexpr (std::is_same_v<Number, double>)
            return 12;
        else {
            constexpr std::uint32_t kUnsigned[] = {0, 2, 4, 10};
            constexpr std::size_t power = sizeof(Number) == 1 ? 0 : sizeof(Number) == 2 ? 1 : sizeof(Number) == 4 ? 2 : 3;
            return kUnsigned[power] + (std::is_signed_v<Number> ? 1 : 0);
        }
    }
    std::size_t padded(const Bytes& bytes) const { return (bytes.size() + m_alignment - 1) / m_alignment * m_alignment; }

    template <class WriteContent>
    GgufWriter& addValue(std::string_view key, std::uint32_t kind, WriteContent writeContent) {
        Bytes& entry = m_values.emplace_back(std::string(key), Bytes()).second;
        putText(entry, key);
        put(entry, kind);
        writeContent(entry);
        return *this;
    }
    template <class WriteContent>
    GgufWriter& addArray(std::string_view key, std::uint32_t kind, std::size_t count, WriteContent writeContent) {
        return addValue(key, 9, [&](Bytes& content) {
            put(content, kind);
            put(content, static_cast<std::uint64_t>(count));
            writeContent(content);
        });
    }

    std::uint32_t m_version = 3;
    std::size_t m_alignment = 32;
    std::vector<Entry> m_values;
    std::vector<Entry> m_table;
    Bytes m_data;
};

} // namespace moescope::tests
