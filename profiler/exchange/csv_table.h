#pragma once
#include <charconv>
#include <concepts>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace moescope::exchange {

/// One RFC 4180 file: CRLF line ends, fields quoted where they must be. Throws std::runtime_error with one sentence when the
/// file exists or cannot be written. One thread.
class CsvTable {
public:
    /// header: the comma-separated column names, none of which needs quotes.
    CsvTable(std::filesystem::path path, std::string_view header);

    CsvTable& text(std::string_view value);
    CsvTable& number(double value);
    template <std::integral T>
    CsvTable& integer(T value) {
        char digits[24];
        const auto end = std::to_chars(digits, digits + sizeof digits, value);
        return field({digits, static_cast<std::size_t>(end.ptr - digits)});
    }
    /// An identity: empty when it is not valid.
    template <class Id>
    CsvTable& id(Id value) {
        return value.valid() ? integer(value.value) : field({});
    }
    void endRow();
    /// Flushes; throws if anything could not be written.
    void close();
    const std::filesystem::path& path() const { return m_path; }

private:
    CsvTable& field(std::string_view value);
    void spill();
    std::filesystem::path m_path;
    std::ofstream m_file;
    std::string m_buffer;
    bool m_rowBegan = false;
};

} // namespace moescope::exchange
