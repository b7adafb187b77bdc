#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace moescope::session {

class Connection;

/// One table of the present format, with the exact text that sqlite_schema holds.
struct TableText {
    std::string name;
    std::string sql;
};

/// Every table, event tables first, in the order of trace::Event.
const std::vector<TableText>& schemaTables();

/// Names of the columns that are stored (not generated) in the table of Event alternative `kind`, seq first.
const std::vector<std::string>& storedColumns(std::size_t kind);

/// Creates tables, views and enumerations in an empty file, inside the caller's transaction.
void createSchema(Connection& connection);

/// Checks application id, version and the text of every table: a file from outside may hold anything under these names. Tables
/// of events that older formats did not have may be missing.
/// Throws one sentence.
void checkSchema(Connection& connection);

/// Events, batches and other rows beyond which a file is not believed.
inline constexpr int kMaxLayers = 4096;
inline constexpr int kMaxExperts = 65535;
inline constexpr int kMaxCells = 1 << 20; ///< layers x experts
inline constexpr std::int32_t kMaxToken = 1 << 24;
inline constexpr std::int64_t kMaxTimeNs = std::int64_t{1} << 60;

} // namespace moescope::session
