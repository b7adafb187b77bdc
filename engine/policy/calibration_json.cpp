#include "engine/policy/calibration_json.h"

#include <cmath>
#include <fmt/format.h>
#include <stdexcept>

namespace moescope::policy {

void refuseCalibration(const std::string& file, const std::string& reason) {
    throw std::runtime_error(fmt::format("The calibration file {} cannot be used: {}.", file, reason));
}

std::vector<double> JsonList::numbers(std::optional<std::size_t> count, double most) const {
    if (!json.is_array())
        refuseCalibration(file, fmt::format("{} is not a list", name));
    if (json.empty())
        refuseCalibration(file, fmt::format("{} is empty", name));
    if (count && json.size() != *count)
        refuseCalibration(file, fmt::format("{} holds {} numbers and not {}", name, json.size(), *count));
    std::vector<double> values;
    values.reserve(json.size());
    for (const auto& item : json) {
        const double value = item.is_number() ? item.get<double>() : -1;
        if (!std::isfinite(value) || value < 0 || value > most)
            refuseCalibration(file, std::isfinite(most) && most <= 1
                                        ? fmt::format("{}[{}] is not a number from 0 to {}", name, values.size(), most)
                                        : fmt::format("{}[{}] is not a number of 0 or more", name, values.size()));
        values.push_back(value);
    }
    return values;
}

std::vector<JsonList> JsonList::lists(std::size_t count) const {
    if (!json.is_array() || json.size() != count)
        refuseCalibration(file, fmt::format("{} is not a list of {} lists", name, count));
    std::vector<JsonList> rows;
    rows.reserve(count);
    for (const auto& item : json) {
        if (!item.is_array() || item.size() != json.front().size())
            refuseCalibration(file, fmt::format("{}[{}] is not a list as long as the others", name, rows.size()));
        rows.push_back({item, fmt::format("{}[{}]", name, rows.size()), file});
    }
    return rows;
}

} // namespace moescope::policy
