#include "profiler/analysis/summary_text.h"

#include "profiler/analysis/device_words.h"
#include "profiler/analysis/pool_collapse.h"
#include "profiler/analysis/summary_words.h"

#include <array>
#include <cmath>
#include <fmt/format.h>
#include <iterator>

namespace moescope::analysis {
namespace {

class Page {
public:
    void heading(std::string_view text) { m_text += fmt::format("\n{}\n", text); }
    void row(std::string_view label, const std::string& value) { m_text += fmt::format("  {:<28}{}\n", label, value); }
    void raw(const std::string& text) { m_text += text; }
    std::string take() { return std::move(m_text); }

private:
    std::string m_text;
};

std::string share(double value) {
    return value < 0 ? "not defined" : fmt::format("{:.1f} %", value * 100);
}

std::string indented(const std::string& text) {
    std::string out = "    ";
    for (const char c : text) {
        out += c;
        if (c == '\n')
            out += "    ";
    }
    return out;
}

void putFacts(const Snapshot& s, Page& page) {
    if (!s.file.empty())
        page.row("session", s.file);
    if (s.info) {
        const session::SessionInfo& info = *s.info;
        const model::ModelFacts& model = info.model;
        page.row("model", fmt::format("{} ({}, {} layers x {} experts, top-{}){}", model.name, model.quantisation, model.layers,
                                      model.experts, model.topK, model.synthetic ? ", synthetic weights" : ""));
        page.row("machine", fmt::format("{}, {} cores, {}; experts on {}", info.machine.processor, info.machine.cores,
                                        sizeText(info.machine.memoryBytes), info.machine.device));
        page.row("recorded", fmt::format("{} by moescope-engine {}", info.createdUtc, info.programVersion));
        if (info.origin != session::Origin::Recorded)
            page.row("origin", fmt::format("{}, not measured", originKey(info.origin)));
        if (!info.finished())
            page.row("state", "not finished: still recording, or the run was killed");
    }
    std::string settings;
    for (const auto& [name, value] : s.settings)
        settings += fmt::format("{}{}={}", settings.empty() ? "" : " ", name, value);
    page.row("settings at the end", settings);
}

void putConversation(const Snapshot& s, Page& page) {
    page.heading("Conversation");
    for (const TurnRecord& turn : s.turns) {
        page.raw(fmt::format("  you\n{}\n  model\n{}\n", indented(turn.prompt), indented(turn.answer)));
        std::string first = "no token yet";
        if (turn.firstTokenAt >= 0)
            first = fmt::format("first after {:.0f} ms", static_cast<double>(turn.firstTokenAt - turn.began) / 1e6);
        page.raw(fmt::format("  ({} prompt tokens, {} tokens, {:.1f} tokens/s, {}, {:.2f} experts per token and layer, {})\n",
                             turn.promptTokens, turn.answerTokens, turn.decodeTokensPerSecond, first,
                             static_cast<double>(turn.meanKept), turn.ended < 0 ? "not ended" : reasonWords(turn.reason)));
    }
    for (const SettingChangeRecord& change : s.changes)
        page.raw(fmt::format("  at token {}: {} {} -> {}\n", change.token.value, change.name, change.before, change.after));
    for (const NoteRecord& note : s.notes)
        page.raw(fmt::format("  {}: {}\n", note.failure ? "FAILED" : "note", note.text));
}

void putSpeed(const Summary& f, Page& page) {
    page.heading("Speed");
    page.row("tokens", fmt::format("{} answered, {} read as prompt", f.tokens, f.promptTokens));
    page.row("decode", fmt::format("{:.2f} tokens/s", f.decodeTokensPerSecond));
    page.row("time to first token", fmt::format("{:.1f} ms (median)", f.ttftMs));
    page.row("time per token", fmt::format("{:.2f} ms median, {:.2f} ms 95th percentile", f.tpotP50Ms, f.tpotP95Ms));
    page.row("waiting for experts", fmt::format("{:.2f} ms per decoded token", f.stallMsPerToken));
}

void putExperts(const Summary& f, Page& page) {
    page.heading("Experts");
    page.row("choices / executions", fmt::format("{} / {}", f.expertChoices, f.expertExecutions));
    page.row("experts per token and layer",
             fmt::format("{:.3f} mean, one alone in {}", f.meanExpertsPerTokenLayer, share(f.singleExpertShare)));
    page.row("working set", fmt::format("{} of the experts; {:.1f} of a layer's do 90 % of the work", share(f.workingSetShare),
                                        f.expertsFor90));
    page.row("gate entropy", fmt::format("{:.3f} nats", f.gateEntropy));
    page.heading("Cache");
    page.row("hits / misses / evictions", fmt::format("{} / {} / {}", f.hits, f.misses, f.evictions));
    page.row("hit rate", fmt::format("{} (offline optimum without prefetch: {})", share(f.hitRate), share(f.optimumHitRate)));
    if (f.poolCollapse)
        page.row("collapsed", poolCollapseSentence(f));
}

void putLink(const Summary& f, Page& page) {
    page.heading(f.emulated ? fmt::format("Link: {} (emulated link)", f.link) : fmt::format("Link: {}", f.link));
    page.row("on demand", sizeText(f.bytesDemand));
    page.row("prefetched", fmt::format("{}, of which used {} and wasted {}", sizeText(f.bytesPrefetch),
                                       sizeText(f.bytesPrefetchUsed), sizeText(f.bytesPrefetchWasted)));
    page.row("filling the cache", sizeText(f.bytesAllocation));
    page.row("not attributed", sizeText(f.bytesUnattributed));
    if (f.inPlace > 0)
        page.row("computed in place",
                 fmt::format("{} misses, {} read by the processor at {}/s", f.inPlace, sizeText(f.bytesInPlace),
                             sizeText(static_cast<std::int64_t>(static_cast<double>(f.bytesInPlace) / (f.inPlaceMs / 1e3)))));
    page.row("per decoded token", fmt::format("{:.3f} MB", f.mbPerToken));
    page.row("speed while busy", fmt::format("{}/s", sizeText(static_cast<std::int64_t>(f.linkBytesPerSecond))));
    page.row("busy / hidden by compute", fmt::format("{} / {}", share(f.linkUtilisation), share(f.overlapShare)));
    page.row("prefetch", fmt::format("{} issued, {} used; precision {}, next-layer recall {}", f.prefetchIssued, f.prefetchUsed,
                                     share(f.prefetchPrecision), share(f.prefetchRecall)));
}

void putDevice(const Snapshot& s, Page& page) {
    const auto rows = deviceRows(s.device);
    const std::string status = s.info ? s.info->tracer.status : std::string();
    if (rows.empty() && status.empty())
        return;
    page.heading("Device");
    if (!status.empty())
        page.row("tracer", status);
    for (const auto& [label, value] : rows)
        page.row(label, value);
}

/// One line per layer: what was foreseen, and what became of the guesses.
void putPrefetch(const Snapshot& s, Page& page) {
    if (s.summary.prefetchIssued == 0)
        return;
    page.heading("Prefetch by layer");
    page.raw(fmt::format("  {:>5}{:>9}{:>11}{:>8}{:>8}{:>10}{:>10}{:>12}\n", "layer", "recall", "precision", "issued", "used",
                         "used", "wasted", "hidden"));
    const auto percent = [](double value) { return value < 0 ? std::string("-") : fmt::format("{:.1f} %", value * 100); };
    for (std::size_t layer = 0; layer < s.layerLives.size(); ++layer) {
        const LayerRecord& life = s.layerLives[layer];
        const PrefetchRecord& guesses = life.prefetch;
        page.raw(fmt::format("  {:>5}{:>9}{:>11}{:>8}{:>8}{:>10}{:>10}{:>9.2f} ms\n", layer, percent(life.recall()),
                             percent(guesses.precision()), guesses.issued, guesses.used, sizeText(guesses.bytesUsed),
                             sizeText(guesses.bytesWasted), static_cast<double>(guesses.hiddenNs) / 1e6));
    }
    page.row("hidden by guesses", fmt::format("{:.3f} ms of copying per decoded token", s.summary.prefetchHiddenMsPerToken));
}

} // namespace

std::string sizeText(std::int64_t bytes) {
    static constexpr std::array<const char*, 5> kUnits{"B", "kB", "MB", "GB", "TB"};
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (std::abs(value) >= 999.5 && unit + 1 < kUnits.size()) {
        value /= 1000;
        ++unit;
    }
    if (unit == 0)
        return fmt::format("{} B", bytes);
    const int digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    return fmt::format("{:.{}f} {}", value, digits, kUnits[unit]);
}

std::string summaryText(const Snapshot& snapshot) {
    Page page;
    putFacts(snapshot, page);
    putConversation(snapshot, page);
    putSpeed(snapshot.summary, page);
    putExperts(snapshot.summary, page);
    putLink(snapshot.summary, page);
    putDevice(snapshot, page);
    putPrefetch(snapshot, page);
    page.heading("Recording");
    page.row("events", fmt::format("{}, {} lost", snapshot.summary.events, snapshot.summary.eventsLost));
    page.row("engine memory", sizeText(snapshot.summary.hostResidentBytes));
    return page.take();
}

} // namespace moescope::analysis
