#include "profiler/exchange/csv_export.h"

#include "profiler/analysis/snapshot_builder.h"
#include "profiler/analysis/summary_fields.h"
#include "profiler/analysis/summary_words.h"
#include "profiler/exchange/event_rows.h"

#include <fmt/format.h>
#include <stdexcept>

namespace moescope::exchange {
namespace {

using Paths = std::vector<std::filesystem::path>;

void put(CsvTable& table, std::string_view name, std::string_view value) {
    table.text(name).text(value);
    table.endRow();
}

void writeSession(const session::SessionInfo& info, const std::filesystem::path& folder, Paths& written) {
    CsvTable table(folder / "session.csv", "name,value");
    const model::ModelFacts& model = info.model;
    put(table, "id", info.id);
    put(table, "title", info.title);
    put(table, "created_utc", info.createdUtc);
    put(table, "program_version", info.programVersion);
    put(table, "build", info.build);
    put(table, "origin", analysis::originKey(info.origin));
    put(table, "seed", std::to_string(info.seed));
    put(table, "continues", info.continues);
    put(table, "model_name", model.name);
    put(table, "model_hash", model.hash);
    put(table, "model_quantisation", model.quantisation);
    put(table, "model_layers", std::to_string(model.layers));
    put(table, "model_experts", std::to_string(model.experts));
    put(table, "model_top_k", std::to_string(model.topK));
    put(table, "model_expert_bytes", std::to_string(model.expertBytes));
    put(table, "machine_processor", info.machine.processor);
    put(table, "machine_device", info.machine.device);
    put(table, "machine_system", info.machine.system);
    put(table, "machine_cores", std::to_string(info.machine.cores));
    put(table, "machine_memory_bytes", std::to_string(info.machine.memoryBytes));
    put(table, "ended_ns", info.finished() ? std::to_string(info.endedNs) : "");
    for (const auto& [name, value] : info.settings)
        put(table, "setting_" + name, value);
    table.close();
    written.push_back(table.path());
}

void writeSummary(const analysis::Summary& summary, const std::filesystem::path& folder, Paths& written) {
    CsvTable table(folder / "summary.csv", "name,value");
    analysis::forEachField(summary, [&](const char* key, const auto& value, bool rate) {
        using Value = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<Value, std::string>)
            put(table, key, value);
        else if constexpr (std::is_same_v<Value, bool>)
            put(table, key, value ? "1" : "0");
        else
            put(table, key, rate && value < 0 ? std::string() : fmt::format("{}", value));
    });
    table.close();
    written.push_back(table.path());
}

} // namespace

Paths exportCsv(session::SessionReader& reader, const std::filesystem::path& folder) {
    std::error_code problem;
    std::filesystem::create_directories(folder, problem);
    if (problem)
        throw std::runtime_error(fmt::format("The folder {} cannot be made: {}.", folder.string(), problem.message()));
    Paths written;
    reader.refresh();
    writeSession(reader.info(), folder, written);
    std::vector<CsvTable> tables;
    tables.reserve(std::variant_size_v<trace::Event>);
    for (std::size_t kind = 0; kind < std::variant_size_v<trace::Event>; ++kind)
        tables.emplace_back(folder / fmt::format("{}.csv", eventTable(kind).name), eventTable(kind).header);
    analysis::SnapshotBuilder builder(std::make_shared<const session::SessionInfo>(reader.info()));
    reader.seek(1);
    while (const auto batch = reader.next()) {
        builder.add(*batch);
        for (const session::Record& record : batch->records)
            writeEventRow(record, batch->payload(record), tables[record.event.index()]);
    }
    for (CsvTable& table : tables) {
        table.close();
        written.push_back(table.path());
    }
    builder.refreshFigures(true);
    writeSummary(builder.snapshot()->summary, folder, written);
    return written;
}

} // namespace moescope::exchange
