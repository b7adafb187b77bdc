#include "engine/policy/gate_costs_json.h"

#include "engine/policy/calibration_json.h"
#include "engine/policy/gate_policy.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace moescope::policy {

namespace {

using Json = nlohmann::json;

constexpr std::size_t kMostPoints = 4096;
constexpr double kMostExperts = trace::kMaxTopK;
constexpr double kMost = 1e30;

/// One object of the group, with what messages call it.
struct Entry {
    const Json& json;
    std::string name;
    const std::string& file;

    const Json& member(const char* key) const {
        const auto found = json.find(key);
        if (found == json.end())
            refuseCalibration(file, fmt::format("{} has no {}", name, key));
        return *found;
    }
    std::string text(const char* key) const {
        const Json& value = member(key);
        if (!value.is_string())
            refuseCalibration(file, fmt::format("{}.{} is not a text", name, key));
        return value.get<std::string>();
    }
    double number(const char* key, double most) const {
        const Json& value = member(key);
        const double number = value.is_number() ? value.get<double>() : -1;
        if (!std::isfinite(number) || number < 0 || number > most)
            refuseCalibration(file, fmt::format("{}.{} is not a number from 0 to {}", name, key, most));
        return number;
    }
    std::vector<Entry> list(const char* key) const {
        const Json& items = member(key);
        if (!items.is_array() || items.size() > kMostPoints)
            refuseCalibration(file, fmt::format("{}.{} is not a list of at most {} entries", name, key, kMostPoints));
        std::vector<Entry> entries;
        for (const Json& item : items) {
            entries.push_back({item, fmt::format("{}.{}[{}]", name, key, entries.size()), file});
            if (!item.is_object())
                refuseCalibration(file, fmt::format("{} is not an object", entries.back().name));
        }
        return entries;
    }
};

GateCostPoint pointOf(const Entry& entry) {
    GateCostPoint point{.gate = entry.text("gate"),
                        .threshold = entry.number("threshold", kMost),
                        .meanExperts = entry.number("mean_experts", kMostExperts),
                        .singleShare = entry.number("single_share", 1),
                        .meanKl = entry.number("mean_kl", kMost),
                        .perplexityRatio = entry.number("perplexity_ratio", kMost)};
    const std::vector<std::string> gates = gatePolicyNames();
    if (std::find(gates.begin(), gates.end(), point.gate) == gates.end())
        refuseCalibration(entry.file, fmt::format("{}.gate is '{}', which is no gate", entry.name, point.gate));
    return point;
}

double rounded(double value) {
    return std::stod(fmt::format("{:.6g}", value));
}

} // namespace

GateCosts parseGateCosts(const Json& json, const std::string& file) {
    if (!json.is_object())
        refuseCalibration(file, "gate_costs is not an object");
    const Entry group{json, "gate_costs", file};
    GateCosts costs;
    costs.text = group.text("text");
    costs.tokens = static_cast<std::int64_t>(group.number("tokens", 1e15));
    for (const Entry& entry : group.list("points"))
        costs.points.push_back(pointOf(entry));
    for (const Entry& entry : group.list("quantisation"))
        costs.quantisation.push_back(
            {entry.text("type"), entry.number("mean_kl", kMost), entry.number("perplexity_ratio", kMost)});
    return costs;
}

nlohmann::ordered_json gateCostsJson(const GateCosts& costs) {
    nlohmann::ordered_json json{{"text", costs.text}, {"tokens", costs.tokens}};
    json["points"] = nlohmann::ordered_json::array();
    for (const GateCostPoint& point : costs.points)
        json["points"].push_back({{"gate", point.gate},
                                  {"threshold", rounded(point.threshold)},
                                  {"mean_experts", rounded(point.meanExperts)},
                                  {"single_share", rounded(point.singleShare)},
                                  {"mean_kl", rounded(point.meanKl)},
                                  {"perplexity_ratio", rounded(point.perplexityRatio)}});
    json["quantisation"] = nlohmann::ordered_json::array();
    for (const QuantisationLoss& loss : costs.quantisation)
        json["quantisation"].push_back(
            {{"type", loss.type}, {"mean_kl", rounded(loss.meanKl)}, {"perplexity_ratio", rounded(loss.perplexityRatio)}});
    return json;
}

} // namespace moescope::policy
