#include "app/quality_state.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace moescope::app {

namespace {

using Json = nlohmann::ordered_json;

/// FNV-1a, 64 bits.
std::uint64_t hashOf(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char c : text)
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    return hash;
}

/// Of what policies go by; not of who made the file and when, nor of the price list that may be added to it.
std::string calibrationHash(const std::string& calibration) {
    Json json = Json::parse(calibration, nullptr, false);
    if (json.is_object())
        for (const char* key : {"source", "text", "tokens", "created_utc", "program", "gate_costs"})
            json.erase(key);
    return fmt::format("{:016x}", hashOf(json.dump()));
}

Json scoreJson(const WindowScore& score) {
    return {{"nll", score.nll},
            {"reference_nll", score.referenceNll},
            {"kl", score.kl},
            {"equal", score.equalTop1},
            {"decisions", score.gate.decisions},
            {"kept", score.gate.kept},
            {"single", score.gate.single},
            {"tokens", score.tokensRead},
            {"bytes", score.bytes},
            {"hits", score.hits},
            {"misses", score.misses}};
}

/// Throws nlohmann's exceptions when it is not what scoreJson writes.
WindowScore scoreOf(const Json& json) {
    WindowScore score;
    json.at("nll").get_to(score.nll);
    json.at("reference_nll").get_to(score.referenceNll);
    json.at("kl").get_to(score.kl);
    if (score.referenceNll.size() != score.nll.size() || score.kl.size() != score.nll.size())
        throw std::out_of_range("lists of different length");
    json.at("equal").get_to(score.equalTop1);
    json.at("decisions").get_to(score.gate.decisions);
    json.at("kept").get_to(score.gate.kept);
    json.at("single").get_to(score.gate.single);
    json.at("tokens").get_to(score.tokensRead);
    json.at("bytes").get_to(score.bytes);
    json.at("hits").get_to(score.hits);
    json.at("misses").get_to(score.misses);
    return score;
}

} // namespace

std::string measurementIdentity(const QualityMeter& meter, const std::string& text) {
    const QualityPlan& plan = meter.plan();
    Json json{{"format", "moescope-quality-state"},
              {"version", 1},
              {"model_hash", meter.facts().hash},
              {"reference_hash", meter.referenceFacts().hash},
              {"text_hash", fmt::format("{:016x}", hashOf(text))},
              {"calibration_hash", calibrationHash(meter.known().json)},
              {"mode", plan.mode == runtime::Engine::ScoreMode::Decode ? "decode" : "prefill"},
              {"window_tokens", meter.windowTokens()}};
    json["settings"] = Json::array();
    for (const runtime::Settings& settings : plan.settings) {
        Json values = Json::object();
        for (const std::string& name : runtime::settingNames())
            values[name] = runtime::settingValue(settings, name);
        json["settings"].push_back(std::move(values));
    }
    return json.dump();
}

QualityState::QualityState(std::filesystem::path path, const std::string& identity, std::size_t settings)
    : m_path(std::move(path)) {
    if (std::filesystem::exists(m_path))
        readBack(identity, settings);
    // Written anew, so that a line cut off in the middle is not continued.
    std::vector<std::vector<WindowScore>> done = std::move(m_done);
    const std::filesystem::path part = m_path.string() + ".new";
    m_file.open(part, std::ios::binary | std::ios::trunc);
    m_file << identity << '\n';
    for (const auto& scores : done)
        append(scores);
    m_file.flush();
    std::error_code problem;
    std::filesystem::rename(part, m_path, problem);
    if (!m_file || problem)
        throw std::runtime_error(fmt::format("The state file {} cannot be written.", m_path.string()));
    m_done = std::move(done);
}

void QualityState::readBack(const std::string& identity, std::size_t settings) {
    std::ifstream in(m_path, std::ios::binary);
    std::string line;
    if (!std::getline(in, line) || line != identity)
        throw std::runtime_error(
            fmt::format("The state file {} is of another measurement; remove it, or choose another output.", m_path.string()));
    while (std::getline(in, line)) {
        try {
            const Json json = Json::parse(line);
            std::vector<WindowScore> scores;
            for (const Json& entry : json)
                scores.push_back(scoreOf(entry));
            if (scores.size() != settings)
                return;
            m_done.push_back(std::move(scores));
        } catch (const std::exception&) {
            return; // cut off when the program was killed
        }
    }
}

void QualityState::append(const std::vector<WindowScore>& scores) {
    Json line = Json::array();
    for (const WindowScore& score : scores)
        line.push_back(scoreJson(score));
    m_file << line.dump() << '\n' << std::flush;
    if (!m_file)
        throw std::runtime_error(fmt::format("The state file {} cannot be written.", m_path.string()));
}

void QualityState::remove() {
    m_file.close();
    std::error_code ignored;
    std::filesystem::remove(m_path, ignored);
}

} // namespace moescope::app
