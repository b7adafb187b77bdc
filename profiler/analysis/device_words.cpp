#include "profiler/analysis/device_words.h"

#include "profiler/analysis/link_speed.h"
#include "profiler/analysis/summary_text.h"

#include <algorithm>
#include <fmt/format.h>

namespace moescope::analysis {
namespace {

double microseconds(std::int64_t ns) {
    return static_cast<double>(ns) / 1e3;
}

std::string agreement(const DeviceTraffic& d) {
    const std::int64_t unequal = d.expertsUnequal();
    std::string text = fmt::format("engine {} and device {} bytes of experts, ", d.engineBytes, d.bytesExperts);
    text += unequal == 0 ? "equal for every expert" : fmt::format("different for {} experts", unequal);
    if (d.transfersOpen > 0)
        text += fmt::format("; {} transfers told by one side only, or with other bytes", d.transfersOpen);
    return text;
}

} // namespace

std::string traceLevelWords(int level) {
    switch (level) {
    case 1:
        return "copies";
    case 2:
        return "copies, launches and waits";
    case 3:
        return "copies, waits and kernels";
    default:
        return "the engine's own events";
    }
}

std::string linkLimitWords(const DeviceTraffic& d) {
    std::string text =
        fmt::format("{:.1f} GB/s: 95 % of the bytes in large copies came no faster", d.fastCopiesBytesPerSecond / 1e9);
    if (const double most = pcieBytesPerSecond(d.gpu.linkGeneration, d.gpu.linkWidth); d.gpuSampled && most > 0)
        text += fmt::format("; PCIe {}.0 x{} carries {:.1f} at most", d.gpu.linkGeneration, d.gpu.linkWidth, most / 1e9);
    return text;
}

double overheadShare(const trace::OverheadMeasured& measured) {
    const auto off = static_cast<double>(std::max<std::int64_t>(1, measured.offTokenNs));
    return static_cast<double>(measured.onTokenNs) / off - 1;
}

std::vector<std::pair<std::string, std::string>> deviceRows(const DeviceTraffic& d) {
    std::vector<std::pair<std::string, std::string>> rows;
    if (d.level == 0)
        return rows;
    rows.emplace_back("trace level", fmt::format("{}: {}", d.level, traceLevelWords(d.level)));
    rows.emplace_back("copied to the device", fmt::format("{} in {} copies, {} back", sizeText(d.bytesToDevice), d.copies,
                                                          sizeText(d.bytesFromDevice)));
    if (d.fastCopiesBytesPerSecond > 0)
        rows.emplace_back("link, measured", linkLimitWords(d));
    rows.emplace_back("against the engine", agreement(d));
    rows.emplace_back("not an expert's bytes", sizeText(d.bytesUnattributed()));
    for (const auto& [what, kind] : d.unattributed)
        rows.emplace_back("", fmt::format("{}: {} in {} copies", what, sizeText(kind.bytes), kind.copies));
    if (d.clockErrorNs >= 0)
        rows.emplace_back("clocks", fmt::format("agree to {:.2f} us ({:.2f} us read, {:.2f} us seen on the device)",
                                                microseconds(d.statedErrorNs()), microseconds(d.clockErrorNs),
                                                microseconds(d.deviceLeadNs)));
    if (d.transfersAgreed > 0)
        rows.emplace_back("copies by both",
                          fmt::format("begin at most {:.1f} us before and end at most {:.1f} us after the engine's "
                                      "spans; {} of {} by more than the clocks' error",
                                      microseconds(d.worstEarlyNs), microseconds(d.worstLateNs), d.transfersOutside,
                                      d.transfersAgreed));
    if (d.kernels > 0)
        rows.emplace_back("kernels", fmt::format("{} of {} names, {:.3f} s together", d.kernels, d.kernelNames.size(),
                                                 static_cast<double>(d.kernelNs) / 1e9));
    if (const DeviceTraffic::Counters& c = d.counters; c.readings > 0)
        rows.emplace_back("counters", fmt::format("{} readings of {:.2f} ms: {} from the host, {} to it; memory {:.1f} %, "
                                                  "multiprocessors {:.1f} %, tensor pipes {:.1f} %",
                                                  c.readings, microseconds(c.ns) / 1e3 / static_cast<double>(c.readings),
                                                  sizeText(c.fromHostBytes), sizeText(c.toHostBytes), c.memoryPercent,
                                                  c.multiprocessorPercent, c.tensorPercent));
    rows.emplace_back("records", fmt::format("{}, {} lost; longest flush {:.1f} ms", d.records, d.recordsLost,
                                             microseconds(d.longestFlushUs)));
    for (const trace::OverheadMeasured& m : d.overhead)
        rows.emplace_back(
            "recording costs",
            fmt::format("{:+.2f} % of the time per token at level {} ({:.3f} ms without, {:.3f} with; middle half of "
                        "{} pairs {:+.2f} to {:+.2f} %)",
                        overheadShare(m) * 100, m.level, static_cast<double>(m.offTokenNs) / 1e6,
                        static_cast<double>(m.onTokenNs) / 1e6, m.pairs, static_cast<double>(m.lowShare) * 100,
                        static_cast<double>(m.highShare) * 100));
    return rows;
}

} // namespace moescope::analysis
