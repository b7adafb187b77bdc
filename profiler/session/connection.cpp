#include "profiler/session/connection.h"

#include <algorithm>
#include <fmt/format.h>
#include <sqlite3.h>

#include <cerrno>
#include <utility>

namespace moescope::session {
namespace {

std::string uriOf(const std::filesystem::path& file, std::string_view parameters) {
    std::string uri = "file:";
    for (char c : std::filesystem::absolute(file).string()) {
        if (c == '?' || c == '#' || c == '%')
            uri += fmt::format("%{:02x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
        else
            uri += c;
    }
    return uri + std::string(parameters);
}

bool meansFull(int code, int systemError) {
    switch (code & 0xff) {
    case SQLITE_FULL:
        return true;
    case SQLITE_IOERR:
        return systemError == ENOSPC || systemError == EDQUOT || systemError == EFBIG || code == SQLITE_IOERR_SHMSIZE;
    default:
        return false;
    }
}

std::string sentence(const std::string& name, int code, const char* told) {
    // SQLite quotes a damaged schema as it stands, line breaks and all.
    std::string detail = told;
    std::replace(detail.begin(), detail.end(), '\n', ' ');
    if (code == SQLITE_READONLY_ROLLBACK || code == SQLITE_READONLY_RECOVERY)
        return fmt::format("{}: its recording was cut off and it cannot be recovered here, because the folder is read-only.",
                           name);
    switch (code & 0xff) {
    case SQLITE_NOTADB:
        return fmt::format("{}: this is not a Moescope session.", name);
    case SQLITE_CORRUPT:
        return fmt::format("{}: the session is damaged ({}).", name, detail);
    case SQLITE_CANTOPEN:
        return fmt::format("{}: the file cannot be opened ({}).", name, detail);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return fmt::format("{}: another program keeps the file locked.", name);
    default:
        return fmt::format("{}: {}.", name, detail);
    }
}

StoreError failure(const std::string& text, int code, bool full) {
    StoreError error(text);
    error.diskFull = full;
    const int primary = code & 0xff;
    error.needsWriting = primary == SQLITE_READONLY || primary == SQLITE_CANTOPEN;
    return error;
}

} // namespace

Connection::Connection(const std::filesystem::path& file, Mode mode, std::string name) : m_name(std::move(name)) {
    const std::string uri = uriOf(file, mode == Mode::Immutable ? "?immutable=1" : "");
    int access = SQLITE_OPEN_READONLY;
    if (mode == Mode::Create || mode == Mode::Write)
        access = SQLITE_OPEN_READWRITE | (mode == Mode::Create ? SQLITE_OPEN_CREATE : 0);
    const int flags = access | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    if (sqlite3_open_v2(uri.c_str(), &m_handle, flags, nullptr) != SQLITE_OK) {
        const int code = m_handle ? sqlite3_extended_errcode(m_handle) : SQLITE_NOMEM;
        const std::string what = sentence(m_name, code, m_handle ? sqlite3_errmsg(m_handle) : "out of memory");
        sqlite3_close_v2(m_handle);
        throw failure(what, code, false);
    }
    sqlite3_extended_result_codes(m_handle, 1);
    sqlite3_busy_timeout(m_handle, 2000);
    sqlite3_db_config(m_handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    sqlite3_db_config(m_handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
}

Connection::~Connection() {
    sqlite3_close_v2(m_handle);
}

void Connection::run(const char* sql) {
    if (sqlite3_exec(m_handle, sql, nullptr, nullptr, nullptr) != SQLITE_OK)
        fail();
}

bool Connection::tryRun(const char* sql) noexcept {
    return sqlite3_exec(m_handle, sql, nullptr, nullptr, nullptr) == SQLITE_OK;
}

bool Connection::busy() const noexcept {
    const int code = sqlite3_errcode(m_handle);
    return code == SQLITE_BUSY || code == SQLITE_LOCKED;
}

std::int64_t Connection::integer(const char* sql) {
    Statement statement(*this, sql);
    return statement.step() ? statement.integer(0) : 0;
}

void Connection::takeOverCheckpoints() {
    const auto committed = [](void* pages, sqlite3*, const char*, int count) {
        *static_cast<int*>(pages) = count;
        return SQLITE_OK;
    };
    sqlite3_wal_hook(m_handle, committed, &m_walPages);
}

void Connection::checkpoint() noexcept {
    sqlite3_wal_checkpoint_v2(m_handle, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
}

void Connection::fail() {
    const int code = sqlite3_extended_errcode(m_handle);
    if (meansFull(code, sqlite3_system_errno(m_handle)))
        throw failure(fmt::format("{}: there is no room left on the disk.", m_name), code, true);
    throw failure(sentence(m_name, code, sqlite3_errmsg(m_handle)), code, false);
}

Statement::Statement(Connection& connection, std::string_view sql) : m_connection(&connection) {
    if (sqlite3_prepare_v3(connection.handle(), sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                           &m_statement, nullptr) != SQLITE_OK)
        connection.fail();
}

Statement::~Statement() {
    sqlite3_finalize(m_statement);
}

Statement::Statement(Statement&& other) noexcept
    : m_connection(other.m_connection), m_statement(std::exchange(other.m_statement, nullptr)) {}

void Statement::bind(int index, std::int64_t value) {
    sqlite3_bind_int64(m_statement, index + 1, value);
}
void Statement::bind(int index, double value) {
    sqlite3_bind_double(m_statement, index + 1, value);
}
void Statement::bindNull(int index) {
    sqlite3_bind_null(m_statement, index + 1);
}

void Statement::bindText(int index, std::string_view text) {
    // An empty view may have a null pointer, which SQLite would store as NULL.
    sqlite3_bind_text64(m_statement, index + 1, text.empty() ? "" : text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

void Statement::bindBlob(int index, std::span<const std::byte> bytes) {
    sqlite3_bind_blob64(m_statement, index + 1, bytes.empty() ? static_cast<const void*>("") : bytes.data(), bytes.size(),
                        SQLITE_STATIC);
}

bool Statement::step() {
    switch (sqlite3_step(m_statement)) {
    case SQLITE_ROW:
        return true;
    case SQLITE_DONE:
        return false;
    default:
        // reset() reports the same error again and leaves it for fail() to read.
        sqlite3_reset(m_statement);
        m_connection->fail();
    }
}

void Statement::reset() {
    sqlite3_reset(m_statement);
}

void Statement::execute() {
    if (sqlite3_step(m_statement) == SQLITE_DONE) {
        sqlite3_reset(m_statement);
        return;
    }
    sqlite3_reset(m_statement);
    m_connection->fail();
}

bool Statement::null(int column) const {
    return sqlite3_column_type(m_statement, column) == SQLITE_NULL;
}
std::int64_t Statement::integer(int column) const {
    return sqlite3_column_int64(m_statement, column);
}
double Statement::real(int column) const {
    return sqlite3_column_double(m_statement, column);
}

std::span<const std::byte> Statement::bytes(int column) const {
    const void* data = sqlite3_column_blob(m_statement, column);
    const int size = sqlite3_column_bytes(m_statement, column);
    return {static_cast<const std::byte*>(data), data ? static_cast<std::size_t>(size) : 0};
}

std::string_view Statement::text(int column) const {
    const auto raw = bytes(column);
    return {reinterpret_cast<const char*>(raw.data()), raw.size()};
}

} // namespace moescope::session
