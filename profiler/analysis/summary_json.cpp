#include "profiler/analysis/summary_json.h"

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
    out["settings"] = Json::object();
    for (const auto& [name, value] : snapshot.settings)
        out["settings"][name] = value;
    out["setting_changes"] = Json::array();
    for (const SettingChangeRecord& change : snapshot.changes)
        out["setting_changes"].push_back(
            {{"token", change.token.value}, {"name", change.name}, {"before", change.before}, {"after", change.after}});
    out["turns"] = Json::array();
    for (const TurnRecord& turn : snapshot.turns)
        out["turns"].push_back(turnJson(turn));
    out["notes"] = Json::array();
    for (const NoteRecord& note : snapshot.notes)
        out["notes"].push_back(note.text);
    return out.dump(2, ' ', false, Json::error_handler_t::replace);
}

} // namespace moescope::analysis
