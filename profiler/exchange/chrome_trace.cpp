#include "profiler/exchange/chrome_trace.h"

#include "profiler/exchange/trace_file.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <map>
#include <tuple>

namespace moescope::exchange {
namespace {

enum Tid {
    kTokens = 1,
    kPasses = 2,
    kDemand = 3,
    kPrefetch = 4,
    kAllocation = 5,
    kSettings = 6,
    kFirstExtra = 16,
    kFirstStream = 1000
};

constexpr std::array<const char*, 7> kStageNames{"step", "embed", "attention", "router", "experts", "output", "sample"};

std::string keyArgs(trace::TokenIndex token, trace::ExpertKey key) {
    return fmt::format(R"("token":{},"layer":{},"expert":{})", token.value, key.layer.value, key.expert.value);
}

/// Keeps the spans of a lane apart: what overlaps the last span of every row so far gets a row of its own.
class LaneRows {
public:
    int rowFor(int tid, std::string_view lane, trace::TimeNs begin, trace::TimeNs end, TraceFile& file) {
        auto row = std::find_if(m_rows.begin(), m_rows.end(),
                                [&](const Row& candidate) { return candidate.lane == tid && candidate.end <= begin; });
        if (row == m_rows.end()) {
            const bool first = std::none_of(m_rows.begin(), m_rows.end(), [&](const Row& r) { return r.lane == tid; });
            const int own = first ? tid : m_nextExtra++;
            file.nameLane(own, first ? std::string(lane) : fmt::format("{} (overlapping)", lane));
            m_rows.push_back({tid, own, end});
            return own;
        }
        row->end = end;
        return row->tid;
    }

private:
    struct Row {
        int lane = 0;
        int tid = 0;
        trace::TimeNs end = 0;
    };
    std::vector<Row> m_rows;
    int m_nextExtra = kFirstExtra;
};

class TraceWriter {
public:
    TraceWriter(TraceFile& file, bool emulated) : m_file(file), m_emulated(emulated) {
        m_file.nameLane(kTokens, "tokens");
        m_file.nameLane(kPasses, "passes, stages and stalls");
        m_file.nameLane(kSettings, "settings and notes");
    }

    void take(const trace::TokenEmitted& e, trace::Payload payload) {
        m_file.instant(kTokens, trace::asText(payload), e.at, 't',
                       fmt::format(R"("token":{},"id":{})", e.token.value, e.tokenId));
    }
    void take(const trace::StageSpan& e, trace::Payload) {
        std::string name = e.stage == trace::Stage::Step ? fmt::format("token {}", e.token.value) : stageName(e.stage);
        if (e.stage == trace::Stage::Step && e.tokens > 1)
            name = fmt::format("prompt tokens {}-{}", e.token.value, e.token.value + e.tokens - 1);
        if (e.layer.valid())
            name += fmt::format(" {}", e.layer.value);
        m_pass.push_back({e.begin, e.end, std::move(name),
                          fmt::format(R"("token":{},"tokens":{},"layer":{})", e.token.value, e.tokens, e.layer.value)});
        if (e.stage == trace::Stage::Step)
            closePass(e.end);
    }
    void take(const trace::StallSpan& e, trace::Payload) {
        m_pass.push_back({e.begin, e.end, fmt::format("wait for expert {}", e.key.expert.value), keyArgs(e.token, e.key)});
    }
    void take(const trace::InPlaceSpan& e, trace::Payload) {
        m_pass.push_back({e.begin, e.end, fmt::format("expert {} in place", e.key.expert.value), keyArgs(e.token, e.key)});
    }
    void take(const trace::TransferSpan& e, trace::Payload) {
        const auto [tid, lane] = laneOf(e.cause);
        const std::string name = m_emulated ? fmt::format("{} (emulated link)", lane) : std::string(lane);
        const int row = m_rows.rowFor(tid, name, e.begin, e.end, m_file);
        m_file.span(row, fmt::format("L{} E{}", e.key.layer.value, e.key.expert.value), e.begin, e.end,
                    fmt::format(R"({},"bytes":{},"queue_wait_us":{:.3f},"cancelled":{},"emulated":{})", keyArgs(e.token, e.key),
                                e.bytes, static_cast<double>(e.begin - e.queuedAt) / 1e3,
                                e.outcome == trace::TransferOutcome::Cancelled, e.emulated));
        m_bytes += e.bytes;
    }
    void take(const trace::ExpertHit&, trace::Payload) { ++m_hits; }
    void take(const trace::ExpertMissed&, trace::Payload) { ++m_misses; }
    void take(const trace::SettingChanged& e, trace::Payload payload) {
        std::string text(trace::asText(payload));
        std::replace(text.begin(), text.end(), '\0', ' ');
        m_file.instant(kSettings, text, e.at, 'g', fmt::format(R"("token":{})", e.token.value));
    }
    void take(const trace::NoteMade& e, trace::Payload payload) {
        m_file.instant(kSettings, trace::asText(payload), e.at, 'g', "");
    }
    void take(const trace::RunFailed& e, trace::Payload payload) {
        m_file.instant(kSettings, trace::asText(payload), e.at, 'g', "");
    }
    void take(const trace::KernelNamed& e, trace::Payload payload) {
        if (e.kernel.valid())
            m_kernels[e.kernel.value] = trace::asText(payload);
    }
    void take(const trace::KernelSpan& e, trace::Payload) {
        const auto name = m_kernels.find(e.kernel.value);
        m_file.span(streamRow(e.stream, e.begin, e.end), name == m_kernels.end() ? "kernel" : name->second, e.begin, e.end,
                    fmt::format(R"({},"stage":"{}","blocks":{},"threads":{},"registers":{},"correlation":{})",
                                keyArgs(e.token, e.key), stageName(e.stage), e.blocks, e.threads, e.registers, e.correlation));
    }
    void take(const trace::GpuCopySpan& e, trace::Payload) {
        constexpr std::array<const char*, 7> kNames{
            "copy to device", "copy to host", "copy on device", "copy on host", "copy to other GPU", "fill", "copy"};
        m_file.span(streamRow(e.stream, e.begin, e.end),
                    kNames.at(std::min(static_cast<std::size_t>(e.direction), kNames.size() - 1)), e.begin, e.end,
                    fmt::format(R"({},"stage":"{}","transfer":{},"bytes":{},"correlation":{})", keyArgs(e.token, e.key),
                                stageName(e.stage), e.transfer.value, e.bytes, e.correlation));
    }
    void take(const trace::RecordsLost& e, trace::Payload) {
        m_file.instant(kSettings, fmt::format("{} records of the device were lost", e.count), e.end, 'g', "");
    }
    void take(const trace::GpuSample& e, trace::Payload) {
        m_file.counter("GPU memory (bytes)", e.at, fmt::format(R"("used":{})", e.memoryUsedBytes));
        m_file.counter("GPU busy (%)", e.at, fmt::format(R"("busy":{:.1f})", e.busyPercent));
    }
    void take(const trace::CounterSample& e, trace::Payload) {
        const double seconds = static_cast<double>(std::max<trace::TimeNs>(1, e.end - e.begin)) / 1e9;
        m_file.counter("link by counters (GB/s)", e.begin,
                       fmt::format(R"("to device":{:.3f},"to host":{:.3f})",
                                   static_cast<double>(e.fromHostBytes) / 1e9 / seconds,
                                   static_cast<double>(e.toHostBytes) / 1e9 / seconds));
        m_file.counter("GPU counters (%)", e.begin,
                       fmt::format(R"("memory":{:.1f},"multiprocessors":{:.1f},"tensor pipes":{:.1f})",
                                   e.memoryReadPercent + e.memoryWritePercent, e.multiprocessorPercent, e.tensorPercent));
    }
    void take(const trace::HostSample& e, trace::Payload) {
        m_file.counter("engine memory (bytes)", e.at, fmt::format(R"("resident":{})", e.residentBytes));
        m_file.counter("processor (%)", e.at, fmt::format(R"("busy":{:.1f})", e.cpuPercent));
    }
    /// Told by other events already, or nothing to draw.
    template <class Other>
    void take(const Other&, trace::Payload) {}

    void finish() { writePass(); }

private:
    struct Span {
        trace::TimeNs begin = 0;
        trace::TimeNs end = 0;
        std::string name;
        std::string args;
    };
    static std::string stageName(trace::Stage stage) {
        const auto index = static_cast<std::size_t>(stage);
        return index < kStageNames.size() ? kStageNames[index] : "stage";
    }
    static std::pair<int, std::string_view> laneOf(trace::TransferCause cause) {
        switch (cause) {
        case trace::TransferCause::Demand:
            return {kDemand, "copies on demand"};
        case trace::TransferCause::Prefetch:
            return {kPrefetch, "prefetch copies"};
        case trace::TransferCause::Allocation:
            return {kAllocation, "filling the cache"};
        }
        return {kAllocation, "other copies"};
    }
    int streamRow(std::int32_t stream, trace::TimeNs begin, trace::TimeNs end) {
        return m_rows.rowFor(kFirstStream + stream, fmt::format("GPU stream {}", stream), begin, end, m_file);
    }
    void closePass(trace::TimeNs end) {
        writePass();
        m_file.counter("cache per pass", end, fmt::format(R"("hits":{},"misses":{})", m_hits, m_misses));
        m_file.counter("link per pass (bytes)", end, fmt::format(R"("moved":{})", m_bytes));
        m_hits = m_misses = m_bytes = 0;
    }
    /// Viewers nest spans by time, and want the outer one first where two begin together.
    void writePass() {
        std::stable_sort(m_pass.begin(), m_pass.end(), [](const Span& a, const Span& b) {
            return std::make_tuple(a.begin, -a.end) < std::make_tuple(b.begin, -b.end);
        });
        std::vector<trace::TimeNs> open;
        for (Span& span : m_pass) {
            while (!open.empty() && open.back() <= span.begin)
                open.pop_back();
            // A span that sticks out of the one around it would tear the viewer's stack.
            if (!open.empty())
                span.end = std::min(span.end, open.back());
            open.push_back(span.end);
            m_file.span(kPasses, span.name, span.begin, span.end, span.args);
        }
        m_pass.clear();
    }

    TraceFile& m_file;
    bool m_emulated = false;
    LaneRows m_rows;
    std::vector<Span> m_pass;
    std::map<std::int32_t, std::string> m_kernels;
    std::int64_t m_hits = 0, m_misses = 0, m_bytes = 0;
};

std::string aboutJson(const session::SessionInfo& info) {
    return fmt::format(R"({{"session":{},"model":{},"machine":{},"created_utc":{},"program":{}}})", jsonQuoted(info.id),
                       jsonQuoted(info.model.name), jsonQuoted(info.machine.device), jsonQuoted(info.createdUtc),
                       jsonQuoted("moescope-engine " + info.programVersion));
}

bool emulatedLink(const session::SessionInfo& info) {
    const auto link = std::find_if(info.settings.begin(), info.settings.end(), [](const auto& s) { return s.first == "link"; });
    return link != info.settings.end() && link->second != "none";
}

} // namespace

ChromeTraceResult exportChromeTrace(session::SessionReader& reader, const std::filesystem::path& path, std::int64_t maxEvents) {
    reader.refresh();
    const session::SessionInfo& info = reader.info();
    TraceFile file(path, aboutJson(info));
    file.nameProcess("moescope-engine: " + info.model.name);
    TraceWriter writer(file, emulatedLink(info));
    ChromeTraceResult result;
    reader.seek(1);
    while (const auto batch = reader.next()) {
        if (file.events() >= maxEvents) {
            result.truncated = true;
            break;
        }
        for (const session::Record& record : batch->records)
            std::visit([&](const auto& e) { writer.take(e, batch->payload(record)); }, record.event);
    }
    writer.finish();
    file.close();
    result.events = file.events();
    return result;
}

} // namespace moescope::exchange
