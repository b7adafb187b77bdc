#include "engine/expert/expert_mover.h"

#include <array>
#include <charconv>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <stdexcept>

namespace moescope::expert {

namespace {

constexpr std::int64_t kPcieLatencyNs = 10'000;
constexpr std::int64_t kNvmeLatencyNs = 80'000;
constexpr double kSlowestGb = 1e-4;
constexpr double kFastestGb = 1e4;

struct Preset {
    std::string_view name;
    double bytesPerSecond;
    std::int64_t latencyNs;
};

// What page-locked copies sustain, not the signalling rate. A lane carries 8, 16 or 32 Gbit/s (PCIe 3, 4, 5) times 128/130;
// headers and flow control take about a tenth of that. Measured: 13.09 GB/s on 3.0 x16 (of 15.75), about 25 on 4.0 x16 (of
// 31.5), about 50 on 5.0 x16 (of 63.0); 3.0 x4 is the same share of 3.94. 7 GB/s is the sequential read of a PCIe 4.0 x4
// NVMe drive. Latency: 10 us to launch and complete one copy, 80 us for one NAND read through the block layer.
constexpr std::array<Preset, 6> kPresets{{{"none", 0, 0},
                                          {"pcie3x4", 3.5e9, kPcieLatencyNs},
                                          {"pcie3x16", 13.1e9, kPcieLatencyNs},
                                          {"pcie4x16", 25e9, kPcieLatencyNs},
                                          {"pcie5x16", 50e9, kPcieLatencyNs},
                                          {"nvme7", 7e9, kNvmeLatencyNs}}};

} // namespace

Link parseLink(std::string_view text) {
    for (const Preset& preset : kPresets)
        if (preset.name == text)
            return {std::string(preset.name), preset.bytesPerSecond, preset.latencyNs};
    double gigabytes = 0;
    const char* end = text.data() + text.size();
    const auto [stop, problem] = std::from_chars(text.data(), end, gigabytes);
    // Written so that NaN fails too.
    if (problem != std::errc() || stop != end || !(gigabytes >= kSlowestGb && gigabytes <= kFastestGb))
        throw std::invalid_argument(fmt::format("There is no link '{}'; known are {} or a number of GB/s from {} to {}.", text,
                                                fmt::join(linkNames(), ", "), kSlowestGb, kFastestGb));
    return {std::string(text), gigabytes * 1e9, kPcieLatencyNs};
}

std::vector<std::string> linkNames() {
    std::vector<std::string> names;
    names.reserve(std::size(kPresets));
    for (const Preset& preset : kPresets)
        names.emplace_back(preset.name);
    return names;
}

} // namespace moescope::expert
