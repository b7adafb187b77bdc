#pragma once
// Reading numbers out of a calibration file, strictly. Every refusal is a std::runtime_error with one sentence.
#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <vector>

namespace moescope::policy {

[[noreturn]] void refuseCalibration(const std::string& file, const std::string& reason);

/// A list in a calibration file, with what messages call it: "sensitivity.refined" or "hit_curves.lru[3]".
struct JsonList {
    const nlohmann::json& json;
    std::string name;
    const std::string& file;

    /// `count` numbers (any number of them if absent, but at least one), each from 0 to `most`.
    std::vector<double> numbers(std::optional<std::size_t> count, double most) const;
    /// `count` lists, each of the same length; its items are checked by the caller.
    std::vector<JsonList> lists(std::size_t count) const;
};

} // namespace moescope::policy
