#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace moescope::session {

/// SQLite refused. The text is one sentence for the user that names the file.
struct StoreError : std::runtime_error {
    explicit StoreError(const std::string& sentence) : std::runtime_error(sentence) {}
    bool diskFull = false;     ///< disk, quota or page limit exhausted
    bool needsWriting = false; ///< SQLite would have to write here, and cannot
};

/// One SQLite connection without SQLite's own mutexes: belongs to one thread at a time. Owned by a writer or a reader.
class Connection {
public:
    enum class Mode {
        Create,    ///< read and write a new file
        Write,     ///< read and write a file that is there
        Follow,    ///< read a file that another connection may be writing (WAL)
        Immutable, ///< read a file that nobody changes; creates nothing beside it
    };
    /// `name` stands for the file in messages.
    Connection(const std::filesystem::path& file, Mode mode, std::string name);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void run(const char* sql);
    bool tryRun(const char* sql) noexcept;
    /// Whether the last call failed because another connection holds a lock.
    bool busy() const noexcept;
    /// First column of the first row; 0 if there is none.
    std::int64_t integer(const char* sql);
    /// Throws what the last failed call left behind.
    [[noreturn]] void fail();
    /// Leaves checkpoints to the owner; from then on walPages() counts.
    void takeOverCheckpoints();
    /// Pages in the WAL after the last commit.
    int walPages() const { return m_walPages; }
    /// Moves from the WAL into the file what no reader holds back. Waits for the disk. When everything was moved, the next
    /// commit of any connection begins the WAL anew.
    void checkpoint() noexcept;
    sqlite3* handle() const { return m_handle; }
    const std::string& name() const { return m_name; }

private:
    sqlite3* m_handle = nullptr;
    std::string m_name;
    int m_walPages = 0;
};

/// A prepared statement. Parameters and columns count from 0. Owned beside its connection and dies before it.
class Statement {
public:
    Statement(Connection& connection, std::string_view sql);
    ~Statement();
    Statement(Statement&& other) noexcept;
    Statement& operator=(Statement&&) = delete;

    void bind(int index, std::int64_t value);
    void bind(int index, double value);
    void bindNull(int index);
    /// The bytes must live until reset().
    void bindText(int index, std::string_view text);
    void bindBlob(int index, std::span<const std::byte> bytes);

    /// True while there is a row.
    bool step();
    void reset();
    /// For inserts: one step, then ready again.
    void execute();

    bool null(int column) const;
    std::int64_t integer(int column) const;
    double real(int column) const;
    /// Text or blob, valid until the next step.
    std::span<const std::byte> bytes(int column) const;
    std::string_view text(int column) const;

private:
    Connection* m_connection;
    sqlite3_stmt* m_statement = nullptr;
};

} // namespace moescope::session
