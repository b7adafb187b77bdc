#include "profiler/exchange/csv_export.h"

#include "profiler/session/session_writer.h"
#include "tests/profiler/analysis/scripted_run.h"

#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <unistd.h>

namespace moescope::exchange {
namespace {

using namespace std::string_view_literals;
using Rows = std::vector<std::vector<std::string>>;

/// RFC 4180 as its grammar says, written apart from the exporter.
Rows parseCsv(const std::string& text) {
    Rows rows(1, {""});
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quoted && c == '"' && i + 1 < text.size() && text[i + 1] == '"') {
            rows.back().back() += text[++i];
        } else if (c == '"') {
            quoted = !quoted;
        } else if (!quoted && c == ',') {
            rows.back().emplace_back();
        } else if (!quoted && c == '\r' && i + 1 < text.size() && text[i + 1] == '\n') {
            ++i;
            rows.push_back({""});
        } else {
            rows.back().back() += c;
        }
    }
    EXPECT_EQ(rows.back(), std::vector<std::string>{""}) << "the last row ends with CRLF";
    rows.pop_back();
    return rows;
}

class CsvExport : public ::testing::Test {
protected:
    CsvExport() {
        std::filesystem::create_directories(folder);
        test::ScriptedRun run(1, 4);
        run.add(trace::PromptBegan{5, trace::TurnIndex(0), trace::TokenIndex(0), 2, 0, 64}, "Say \"hi\",\r\nplease");
        run.choose(0, 0, {2, 1}, {0.75F, 0.25F}, 1, trace::Phase::Decode, {0.5F, 0.5F, 0, 0});
        run.transfer(-1, 0, 3, trace::TransferCause::Allocation, 4096, 9);
        run.add(trace::SettingChanged{9, trace::TokenIndex(1)}, "gate\0topk\0adapmoe"sv);
        run.add(trace::TokenEmitted{77, trace::TurnIndex(0), trace::TokenIndex(1), 31, -0.5F, 3}, " ok");
        session::SessionWriter writer(folder / "s.moescope", *run.info());
        writer.write(run.take());
        writer.finish(run.now, 0);
    }
    ~CsvExport() override { std::filesystem::remove_all(folder); }
    std::vector<std::filesystem::path> written() {
        session::SessionReader reader(folder / "s.moescope");
        return exportCsv(reader, folder / "out");
    }
    Rows table(const std::string& name) const {
        std::ifstream file(folder / "out" / (name + ".csv"), std::ios::binary);
        return parseCsv({std::istreambuf_iterator<char>(file), {}});
    }
    std::filesystem::path folder = std::filesystem::temp_directory_path() / ("csv_export_" + std::to_string(getpid()));
};

TEST_F(CsvExport, OneFilePerTableAndEveryRowFitsItsHeader) {
    const auto files = written();
    EXPECT_EQ(files.size(), std::variant_size_v<trace::Event> + 2);
    for (const auto& file : files) {
        ASSERT_TRUE(std::filesystem::exists(file)) << file;
        const Rows rows = table(file.stem().string());
        ASSERT_FALSE(rows.empty());
        for (const auto& row : rows)
            EXPECT_EQ(row.size(), rows[0].size()) << file;
    }
}

TEST_F(CsvExport, KeepsTextTimesAndEmptyIdentities) {
    written();
    EXPECT_EQ(table("prompt_began")[1].back(), "Say \"hi\",\r\nplease");
    EXPECT_EQ(table("token_emitted")[0], (std::vector<std::string>{"seq", "at_ns", "turn", "token", "token_id",
                                                                   "log_probability_nats", "context_used_tokens", "text"}));
    EXPECT_EQ(table("token_emitted")[1], (std::vector<std::string>{"5", "77", "0", "1", "31", "-0.5", "3", " ok"}));
    const auto chosen = table("experts_chosen")[1];
    EXPECT_EQ(chosen[8], "2;1");
    EXPECT_EQ(chosen[9], "0.75;0.25");
    EXPECT_EQ(chosen[10], "0;0.25;0.75;0");
    EXPECT_EQ(chosen[11], "0.5;0.5;0;0");
    const auto copied = table("transfer_span")[1];
    EXPECT_EQ(copied[4], "") << "no token asked for it";
    EXPECT_EQ(copied[8], "allocation");
    EXPECT_EQ(copied[11], "4096");
    EXPECT_EQ(table("setting_changed")[1][3], "gate");
    EXPECT_EQ(table("setting_changed")[1][5], "adapmoe");
}

TEST_F(CsvExport, DoesNotOverwrite) {
    written();
    EXPECT_THROW(written(), std::runtime_error);
}

} // namespace
} // namespace moescope::exchange
