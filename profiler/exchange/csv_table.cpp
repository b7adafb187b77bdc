#include "profiler/exchange/csv_table.h"

#include <fmt/format.h>
#include <stdexcept>

namespace moescope::exchange {

CsvTable::CsvTable(std::filesystem::path path, std::string_view header) : m_path(std::move(path)) {
    if (std::filesystem::exists(m_path))
        throw std::runtime_error(fmt::format("{} exists already; choose an empty folder.", m_path.string()));
    m_file.open(m_path, std::ios::binary);
    if (!m_file)
        throw std::runtime_error(fmt::format("{} cannot be written.", m_path.string()));
    m_buffer = header;
    m_buffer += "\r\n";
}

CsvTable& CsvTable::field(std::string_view value) {
    if (m_rowBegan)
        m_buffer += ',';
    m_rowBegan = true;
    m_buffer += value;
    return *this;
}

CsvTable& CsvTable::text(std::string_view value) {
    if (value.find_first_of(",\"\r\n") == std::string_view::npos)
        return field(value);
    field("\"");
    for (const char c : value) {
        if (c == '"')
            m_buffer += '"';
        m_buffer += c;
    }
    m_buffer += '"';
    return *this;
}

CsvTable& CsvTable::number(double value) {
    return field(fmt::format("{:.9g}", value));
}

void CsvTable::endRow() {
    m_buffer += "\r\n";
    m_rowBegan = false;
    constexpr std::size_t kSpillBytes = 1u << 16;
    if (m_buffer.size() >= kSpillBytes)
        spill();
}

void CsvTable::spill() {
    m_file.write(m_buffer.data(), static_cast<std::streamsize>(m_buffer.size()));
    m_buffer.clear();
}

void CsvTable::close() {
    spill();
    m_file.close();
    if (!m_file)
        throw std::runtime_error(fmt::format("{} could not be written completely; is the disk full?", m_path.string()));
}

} // namespace moescope::exchange
