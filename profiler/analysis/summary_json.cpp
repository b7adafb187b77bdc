#include "profiler/analysis/summary_json.h"
#include "profiler/analysis/device_words.h"

#include "profiler/analysis/pool_collapse.h"
#include "profiler/analysis/summary_fields.h"
#include "profiler/analysis/summary_words.h"

#include <nlohmann/json.hpp>

namespace moescope::analysis {
namespace {

using Json = nlohmann::ordered_json;

double msBetween(trace::TimeNs begin, trace::TimeNs end) {
    return static_cast<double>(end - begin) / 1e6;
}

Json turnJson(const TurnRecord& turn) {
    Json out;
    out["prompt"] = turn.prompt;
    out["answer"] = turn.answer;
    out["prompt_tokens"] = turn.promptTokens;
    out["answer_tokens"] = turn.answerTokens;
    out["ttft_ms"] = turn.firstTokenAt < 0 ? Json() : Json(msBetween(turn.began, turn.firstTokenAt));
    out["decode_tokens_per_second"] = turn.decodeTokensPerSecond;
    out["mean_experts_per_token_layer"] = turn.meanKept;
    out["bytes_moved"] = turn.bytesMoved;
    out["ended"] = turn.ended < 0 ? Json() : Json(reasonKey(turn.reason));
    return out;
}

Json rate(double value) {
    return value < 0 ? Json() : Json(value);
}

Json layerJson(const LayerRecord& layer) {
    const std::int64_t asked = layer.hits + layer.misses;
    const auto decisions = static_cast<double>(layer.decisions);
    const auto share = [](std::int64_t part, double of) { return of > 0 ? Json(static_cast<double>(part) / of) : Json(); };
    const PrefetchRecord& guesses = layer.prefetch;
    return {{"slots", layer.slots},
            {"hits", layer.hits},
            {"misses", layer.misses},
            {"hit_rate", share(layer.hits, static_cast<double>(asked))},
            {"optimum_hit_rate", rate(layer.optimumHitRate)},
            {"mean_experts", share(layer.kept, decisions)},
            {"single_expert_share", share(layer.single, decisions)},
            {"prefetch_recall", rate(layer.recall())},
            {"prefetch_precision", rate(guesses.precision())},
            {"prefetch_issued", guesses.issued},
            {"prefetch_used", guesses.used},
            {"bytes_prefetch", guesses.bytes},
            {"bytes_prefetch_used", guesses.bytesUsed},
            {"bytes_prefetch_wasted", guesses.bytesWasted},
            {"prefetch_hidden_ms", static_cast<double>(guesses.hiddenNs) / 1e6}};
}

Json modelJson(const model::ModelFacts& facts) {
    return {{"name", facts.name},
            {"architecture", facts.architecture},
            {"quantisation", facts.quantisation},
            {"hash", facts.hash},
            {"layers", facts.layers},
            {"experts", facts.experts},
            {"top_k", facts.topK},
            {"expert_bytes", facts.expertBytes},
            {"file_bytes", facts.fileBytes},
            {"synthetic", facts.synthetic}};
}

void putSession(const session::SessionInfo& info, Json& out) {
    out["session_id"] = info.id;
    out["title"] = info.title;
    out["created_utc"] = info.createdUtc;
    out["program_version"] = info.programVersion;
    out["build"] = info.build;
    out["origin"] = originKey(info.origin);
    out["finished"] = info.finished();
    out["seed"] = info.seed;
    out["model"] = modelJson(info.model);
    out["machine"] = {{"processor", info.machine.processor},
                      {"system", info.machine.system},
                      {"device", info.machine.device},
                      {"cores", info.machine.cores},
                      {"memory_bytes", info.machine.memoryBytes}};
    out["tracer"] = {{"level", info.tracer.level}, {"status", info.tracer.status}};
}

Json overheadJson(const trace::OverheadMeasured& m) {
    return {{"level", m.level},           {"pairs", m.pairs},          {"off_token_ns", m.offTokenNs},
            {"on_token_ns", m.onTokenNs}, {"share", overheadShare(m)}, {"low_share", m.lowShare},
            {"high_share", m.highShare}};
}

Json expertsJson(const DeviceTraffic& d, int experts) {
    Json unequal = Json::array();
    for (std::size_t i = 0; i < d.experts.size(); ++i)
        if (d.experts[i].engineBytes != d.experts[i].deviceBytes)
            unequal.push_back({{"layer", i / static_cast<std::size_t>(experts)},
                               {"expert", i % static_cast<std::size_t>(experts)},
                               {"engine_bytes", d.experts[i].engineBytes},
                               {"device_bytes", d.experts[i].deviceBytes}});
    return unequal;
}

/// What the device's tracer saw, held against the engine's transfers; null for a session that was not traced.
Json deviceJson(const Snapshot& s) {
    const DeviceTraffic& d = s.device;
    if (d.level == 0)
        return {};
    Json out{{"trace_level", d.level},
             {"copies_to_device", d.copies},
             {"bytes_to_device", d.bytesToDevice},
             {"bytes_from_device", d.bytesFromDevice},
             {"bytes_experts", d.bytesExperts},
             {"bytes_engine_transfers", d.engineBytes},
             {"bytes_unattributed", d.bytesUnattributed()},
             {"transfers_agreed", d.transfersAgreed},
             {"transfers_open", d.transfersOpen},
             {"experts_unequal", expertsJson(d, s.experts)},
             {"clock_error_ns", d.clockErrorNs},
             {"device_lead_ns", d.deviceLeadNs},
             {"worst_copy_before_transfer_ns", d.worstEarlyNs},
             {"worst_copy_after_transfer_ns", d.worstLateNs},
             {"transfers_outside_stated_error", d.transfersOutside},
             {"kernels", d.kernels},
             {"kernel_ns", d.kernelNs},
             {"records", d.records},
             {"records_lost", d.recordsLost},
             {"tracer_ns", d.tracerNs},
             {"longest_flush_us", d.longestFlushUs}};
    out["unattributed"] = Json::array();
    for (const auto& [what, kind] : d.unattributed)
        out["unattributed"].push_back({{"what", what}, {"copies", kind.copies}, {"bytes", kind.bytes}});
    out["overhead"] = Json::array();
    for (const trace::OverheadMeasured& measured : d.overhead)
        out["overhead"].push_back(overheadJson(measured));
    return out;
}

} // namespace

std::string summaryJson(const Snapshot& snapshot) {
    Json out;
    forEachField(snapshot.summary, [&](const char* key, const auto& value, bool rate) {
        if constexpr (std::is_same_v<std::decay_t<decltype(value)>, double>)
            out[key] = rate && value < 0 ? Json() : Json(value);
        else
            out[key] = value;
    });
    out["duration_s"] = static_cast<double>(snapshot.now) / 1e9;
    if (snapshot.info)
        putSession(*snapshot.info, out);
    out["device"] = deviceJson(snapshot);
    out["settings"] = Json::object();
    for (const auto& [name, value] : snapshot.settings)
        out["settings"][name] = value;
    out["setting_changes"] = Json::array();
    for (const SettingChangeRecord& change : snapshot.changes)
        out["setting_changes"].push_back(
            {{"token", change.token.value}, {"name", change.name}, {"before", change.before}, {"after", change.after}});
    out["layers"] = Json::array();
    for (const LayerRecord& layer : snapshot.layerLives)
        out["layers"].push_back(layerJson(layer));
    out["warnings"] = Json::array();
    if (const std::string sentence = poolCollapseSentence(snapshot.summary); !sentence.empty())
        out["warnings"].push_back(sentence);
    out["turns"] = Json::array();
    for (const TurnRecord& turn : snapshot.turns)
        out["turns"].push_back(turnJson(turn));
    out["notes"] = Json::array();
    for (const NoteRecord& note : snapshot.notes)
        out["notes"].push_back(note.text);
    return out.dump(2, ' ', false, Json::error_handler_t::replace);
}

} // namespace moescope::analysis
