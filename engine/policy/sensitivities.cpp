#include "engine/policy/sensitivities.h"

#include "engine/policy/calibration_json.h"
#include "engine/policy/gate_costs_json.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <limits>

namespace moescope::policy {

namespace {

using Json = nlohmann::json;

constexpr int kVersion = 1;
constexpr std::uintmax_t kMostBytes = 256'000'000;
constexpr std::size_t kMostLayers = 4096;
constexpr std::size_t kMostDepths = 3;
/// What a float holds with room to spare: sensitivities are kept as floats per pair.
constexpr double kMostSensitivity = 1e30;

using Rows = std::vector<std::vector<double>>;

std::string textOf(const Json& json, const char* key, const std::string& file) {
    const auto found = json.find(key);
    if (found == json.end())
        return {};
    if (!found->is_string())
        refuseCalibration(file, fmt::format("{} is not a text", key));
    return found->get<std::string>();
}

/// The member, if it is there; names it for messages.
std::optional<JsonList> memberOf(const Json& json, const std::string& prefix, const char* key, const std::string& file) {
    const auto found = json.find(key);
    if (found == json.end())
        return std::nullopt;
    return JsonList{*found, prefix + key, file};
}

Rows rowsOf(const JsonList& list, std::size_t rows, double most, std::size_t least = 1) {
    Rows values;
    for (const JsonList& row : list.lists(rows)) {
        values.push_back(row.numbers(std::nullopt, most));
        if (values.back().size() < least)
            refuseCalibration(list.file, fmt::format("{} holds fewer than {} numbers", row.name, least));
    }
    return values;
}

/// As a model with one expert per token has it: there is no second weight.
bool allEmpty(const Json& rows) {
    return rows.is_array() &&
           std::all_of(rows.begin(), rows.end(), [](const Json& row) { return row.is_array() && row.empty(); });
}

std::shared_ptr<const PairTable> pairsOf(const JsonList& list, std::size_t layers) {
    std::shared_ptr<PairTable> table;
    int layer = 0;
    for (const JsonList& square : list.lists(layers)) {
        const std::size_t experts = square.json.size();
        if (experts == 0)
            refuseCalibration(list.file, fmt::format("{} is empty", square.name));
        if (!table)
            table = std::make_shared<PairTable>(static_cast<int>(layers), static_cast<int>(experts));
        int first = 0;
        for (const JsonList& row : square.lists(experts)) {
            int second = 0;
            for (const double value : row.numbers(experts, kMostSensitivity))
                table->at(layer, first, second++) = static_cast<float>(value);
            ++first;
        }
        ++layer;
    }
    return table;
}

void readSensitivityGroup(const Json& root, Sensitivities& into) {
    const auto group = root.find("sensitivity");
    if (group == root.end() || !group->is_object() || !group->contains("refined") || !(*group)["refined"].is_array())
        refuseCalibration(into.file, "it has no list sensitivity.refined");
    const std::string prefix = "sensitivity.";
    into.refined = memberOf(*group, prefix, "refined", into.file)->numbers(std::nullopt, kMostSensitivity);
    const std::size_t layers = into.refined.size();
    if (layers > kMostLayers)
        refuseCalibration(into.file, fmt::format("it holds {} layers, more than {}", layers, kMostLayers));
    if (const auto list = memberOf(*group, prefix, "paper", into.file))
        into.paper = list->numbers(layers, kMostSensitivity);
    if (const auto list = memberOf(*group, prefix, "direct_kl", into.file))
        into.directKl = list->numbers(layers, kMostSensitivity);
    if (const auto list = memberOf(*group, prefix, "pair", into.file))
        into.pairs = pairsOf(*list, layers);
}

void readHitCurves(const Json& root, Sensitivities& into) {
    const auto group = root.find("hit_curves");
    if (group == root.end())
        return;
    if (!group->is_object())
        refuseCalibration(into.file, "hit_curves does not name cache policies");
    for (const auto& [policy, curves] : group->items())
        into.hitCurves[policy] = rowsOf({curves, "hit_curves." + policy, into.file}, into.refined.size(), 1, 2);
}

std::vector<float> signedNumbers(const JsonList& list, std::size_t count) {
    if (!list.json.is_array() || list.json.size() != count)
        refuseCalibration(list.file, fmt::format("{} does not hold {} numbers", list.name, count));
    std::vector<float> values;
    for (const auto& item : list.json) {
        const double value = item.is_number() ? item.get<double>() : std::nan("");
        if (!(std::fabs(value) <= kMostSensitivity))
            refuseCalibration(list.file, fmt::format("{}[{}] is not a number", list.name, values.size()));
        values.push_back(static_cast<float>(value));
    }
    return values;
}

void readFirstLayer(const Json& root, Sensitivities& into) {
    const auto group = root.find("first_layer_gate");
    if (group == root.end() || !group->is_object() || !group->contains("weights") || !group->contains("bias"))
        return;
    const std::string prefix = "first_layer_gate.";
    auto gate = std::make_shared<LinearGate>();
    const JsonList bias = *memberOf(*group, prefix, "bias", into.file);
    gate->bias = signedNumbers(bias, bias.json.size());
    gate->experts = static_cast<int>(gate->bias.size());
    for (const JsonList& row : memberOf(*group, prefix, "weights", into.file)->lists(gate->bias.size())) {
        const std::vector<float> weights = signedNumbers(row, row.json.size());
        gate->weights.insert(gate->weights.end(), weights.begin(), weights.end());
        gate->hidden = static_cast<int>(weights.size());
    }
    if (gate->hidden > 0)
        into.firstLayer = std::move(gate);
}

void readDecisions(const Json& root, Sensitivities& into) {
    const auto group = root.find("decisions");
    if (group == root.end())
        return;
    auto sample = std::make_shared<DecisionSample>();
    const auto whole = [&](const char* key, std::size_t most) {
        const auto found = group->is_object() ? group->find(key) : group->end();
        const bool fits = group->is_object() && found != group->end() && found->is_number_unsigned() && *found <= most;
        return fits ? found->get<int>() : 0;
    };
    sample->layers = whole("layers", kMostLayers);
    sample->experts = whole("experts", std::numeric_limits<std::uint16_t>::max());
    sample->rule.topK = whole("top_k", trace::kMaxTopK);
    const auto renormalise = group->is_object() ? group->find("renormalise") : group->end();
    sample->rule.renormalise = !group->is_object() || renormalise == group->end() || *renormalise != false;
    const std::string data = group->is_object() ? textOf(*group, "data", into.file) : std::string();
    if (sample->layers != static_cast<int>(into.refined.size()) || !decodeDecisions(data, *sample))
        refuseCalibration(into.file, "its router decisions are not of the model's shape");
    into.decisions = std::move(sample);
}

void readRouting(const Json& root, Sensitivities& into) {
    const std::size_t layers = into.refined.size();
    if (const auto list = memberOf(root, "", "expert_norm", into.file))
        into.expertNorm = rowsOf(*list, layers, kMostSensitivity);
    if (const auto list = memberOf(root, "", "second_weight_quantiles", into.file); list && !allEmpty(list->json)) {
        into.secondShare = rowsOf(*list, layers, 1, 2);
        for (std::size_t layer = 0; layer < layers; ++layer)
            if (!std::is_sorted(into.secondShare[layer].begin(), into.secondShare[layer].end()))
                refuseCalibration(into.file, fmt::format("{}[{}] does not rise", list->name, layer));
    }
    if (const auto list = memberOf(root, "", "prefetch_recall", into.file)) {
        if (!list->json.is_array() || list->json.empty() || list->json.size() > kMostDepths)
            refuseCalibration(into.file, fmt::format("prefetch_recall is not a list of 1 to {} lists", kMostDepths));
        for (const JsonList& depth : list->lists(list->json.size()))
            into.recall.push_back(depth.numbers(layers, 1));
    }
    readHitCurves(root, into);
    readFirstLayer(root, into);
    readDecisions(root, into);
}

/// The members that are read here or say what the file is; trained weights and traces are large and stay out.
std::string withoutBulk(const Json& root) {
    constexpr const char* kKept[] = {"format",
                                     "version",
                                     "model_hash",
                                     "model_name",
                                     "source",
                                     "text",
                                     "tokens",
                                     "created_utc",
                                     "program",
                                     "expert_norm",
                                     "second_weight_quantiles",
                                     "prefetch_recall",
                                     "hit_curves",
                                     "gate_costs"};
    constexpr const char* kKeptForms[] = {"refined", "paper", "pair", "direct_kl"};
    Json kept;
    for (const char* key : kKept)
        if (const auto member = root.find(key); member != root.end())
            kept[key] = *member;
    for (const char* form : kKeptForms)
        if (const auto member = root["sensitivity"].find(form); member != root["sensitivity"].end())
            kept["sensitivity"][form] = *member;
    return kept.dump(-1, ' ', false, Json::error_handler_t::replace);
}

} // namespace

Sensitivities parseSensitivities(std::string_view json, std::string file) {
    const Json root = Json::parse(json, nullptr, false);
    if (root.is_discarded() || !root.is_object())
        refuseCalibration(file, "it is not valid JSON");
    if (textOf(root, "format", file) != "moescope-calibration")
        refuseCalibration(file, "its format is not moescope-calibration");
    const auto version = root.find("version");
    if (version == root.end() || !version->is_number_integer())
        refuseCalibration(file, "it has no version number");
    if (*version != kVersion)
        refuseCalibration(file, fmt::format("it has version {} and this program reads version {}", version->dump(), kVersion));
    Sensitivities result;
    result.file = std::move(file);
    result.modelHash = textOf(root, "model_hash", result.file);
    result.modelName = textOf(root, "model_name", result.file);
    result.source = textOf(root, "source", result.file);
    readSensitivityGroup(root, result);
    readRouting(root, result);
    if (const auto costs = root.find("gate_costs"); costs != root.end())
        result.costs = parseGateCosts(*costs, result.file);
    result.json = withoutBulk(root);
    return result;
}

Sensitivities readSensitivities(const std::filesystem::path& path) {
    std::ifstream stream(path, std::ios::binary);
    if (!stream)
        refuseCalibration(path.string(), "it cannot be opened");
    std::error_code unknown;
    if (const auto bytes = std::filesystem::file_size(path, unknown); !unknown && bytes > kMostBytes)
        refuseCalibration(path.string(), fmt::format("it has {} bytes, more than {}", bytes, kMostBytes));
    const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    if (stream.bad())
        refuseCalibration(path.string(), "it cannot be read");
    return parseSensitivities(text, path.string());
}

const std::vector<double>& sensitivitiesFor(const Sensitivities& sensitivities, int layers, std::string_view modelHash) {
    if (static_cast<int>(sensitivities.refined.size()) != layers)
        refuseCalibration(sensitivities.file,
                          fmt::format("it holds {} layers and the model has {}", sensitivities.refined.size(), layers));
    if (!sensitivities.modelHash.empty() && !modelHash.empty() && sensitivities.modelHash != modelHash)
        refuseCalibration(sensitivities.file,
                          fmt::format("it was made for the model {} (hash {}), not for the one with hash {}",
                                      sensitivities.modelName, sensitivities.modelHash, modelHash));
    return sensitivities.refined;
}

double shareUpTo(const std::vector<double>& quantiles, double weight) {
    if (quantiles.size() < 2 || weight < quantiles.front())
        return 0;
    const auto above = std::upper_bound(quantiles.begin(), quantiles.end(), weight);
    if (above == quantiles.end())
        return 1;
    const double low = *std::prev(above);
    const double part = (weight - low) / (*above - low);
    const auto before = static_cast<double>(std::distance(quantiles.begin(), above) - 1);
    return (before + part) / static_cast<double>(quantiles.size() - 1);
}

} // namespace moescope::policy
