#pragma once
// How each kind of event is written as a row of its table. Internal to csv_export.
#include "profiler/exchange/csv_table.h"
#include "profiler/session/batch.h"

#include <string_view>

namespace moescope::exchange {

/// Table and columns of one kind of event; the first column of every table is seq.
struct EventTable {
    std::string_view name;
    std::string_view header;
};

/// By index of the alternative in trace::Event.
const EventTable& eventTable(std::size_t kind);

/// Appends the event to the table of its kind.
void writeEventRow(const session::Record& record, trace::Payload payload, CsvTable& table);

} // namespace moescope::exchange
