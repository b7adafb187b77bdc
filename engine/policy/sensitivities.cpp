#include "engine/policy/sensitivities.h"

#include <cmath>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace moescope::policy {

namespace {

using Json = nlohmann::json;

constexpr int kVersion = 1;

[[noreturn]] void refuse(const std::string& file, const std::string& reason) {
    throw std::runtime_error(fmt::format("The calibration file {} cannot be used: {}.", file, reason));
}

std::string textOf(const Json& json, const char* key, const std::string& file) {
    const auto found = json.find(key);
    if (found == json.end())
        return {};
    if (!found->is_string())
        refuse(file, fmt::format("{} is not a text", key));
    return found->get<std::string>();
}

std::vector<double> refinedOf(const Json& json, const std::string& file) {
    const auto group = json.find("sensitivity");
    if (group == json.end() || !group->is_object() || !group->contains("refined") || !(*group)["refined"].is_array())
        refuse(file, "it has no list sensitivity.refined");
    std::vector<double> values;
    for (const Json& item : (*group)["refined"]) {
        const double value = item.is_number() ? item.get<double>() : -1;
        if (!std::isfinite(value) || value < 0)
            refuse(file, fmt::format("sensitivity.refined[{}] is not a number of 0 or more", values.size()));
        values.push_back(value);
    }
    if (values.empty())
        refuse(file, "sensitivity.refined is empty");
    return values;
}

} // namespace

Sensitivities parseSensitivities(std::string_view json, std::string file) {
    const Json root = Json::parse(json, nullptr, false);
    if (root.is_discarded() || !root.is_object())
        refuse(file, "it is not valid JSON");
    if (textOf(root, "format", file) != "moescope-calibration")
        refuse(file, "its format is not moescope-calibration");
    const auto version = root.find("version");
    if (version == root.end() || !version->is_number_integer())
        refuse(file, "it has no version number");
    if (*version != kVersion)
        refuse(file, fmt::format("it has version {} and this program reads version {}", version->dump(), kVersion));
    Sensitivities result{.file = std::move(file), .modelHash = {}, .modelName = {}, .source = {}, .refined = {}};
    result.modelHash = textOf(root, "model_hash", result.file);
    result.modelName = textOf(root, "model_name", result.file);
    result.source = textOf(root, "source", result.file);
    result.refined = refinedOf(root, result.file);
    return result;
}

Sensitivities readSensitivities(const std::filesystem::path& path) {
    std::ifstream stream(path, std::ios::binary);
    if (!stream)
        refuse(path.string(), "it cannot be opened");
    const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    if (stream.bad())
        refuse(path.string(), "it cannot be read");
    return parseSensitivities(text, path.string());
}

const std::vector<double>& sensitivitiesFor(const Sensitivities& sensitivities, int layers, std::string_view modelHash) {
    if (static_cast<int>(sensitivities.refined.size()) != layers)
        refuse(sensitivities.file,
               fmt::format("it holds {} layers and the model has {}", sensitivities.refined.size(), layers));
    if (!sensitivities.modelHash.empty() && !modelHash.empty() && sensitivities.modelHash != modelHash)
        refuse(sensitivities.file, fmt::format("it was made for the model {} (hash {}), not for the one with hash {}",
                                               sensitivities.modelName, sensitivities.modelHash, modelHash));
    return sensitivities.refined;
}

} // namespace moescope::policy
