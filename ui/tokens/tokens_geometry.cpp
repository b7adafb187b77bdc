#include "ui/tokens/tokens_geometry.h"

#include <algorithm>
#include <numeric>

namespace moescope::ui {
namespace {
constexpr double kOrdinary = 0.98; // quantile of decode passes that must fit
constexpr double kHeadroom = 1.15;
constexpr std::size_t kSampled = 4096; // newest passes looked at
} // namespace

TokenParts partsOf(const analysis::PassRecord& pass) {
    const auto stage = [&](trace::Stage s) { return std::max<trace::TimeNs>(0, pass.stageNs[static_cast<std::size_t>(s)]); };
    TokenParts parts{stage(trace::Stage::Attention) + stage(trace::Stage::Embed),
                     stage(trace::Stage::Router),
                     stage(trace::Stage::Experts),
                     std::max<trace::TimeNs>(0, pass.stallNs),
                     stage(trace::Stage::Output) + stage(trace::Stage::Sample),
                     0};
    const trace::TimeNs named = std::accumulate(parts.begin(), parts.end(), trace::TimeNs{0});
    parts.back() = std::max<trace::TimeNs>(0, pass.end - pass.begin - named);
    return parts;
}

std::vector<int> orderedPasses(const analysis::Snapshot& snapshot, TokenOrder order) {
    std::vector<int> passes(snapshot.passes.size());
    std::iota(passes.begin(), passes.end(), 0);
    const auto key = [&](int index) -> std::int64_t {
        const analysis::PassRecord& pass = snapshot.passes[static_cast<std::size_t>(index)];
        switch (order) {
        case TokenOrder::Time:
            return pass.end - pass.begin;
        case TokenOrder::Stall:
            return pass.stallNs;
        case TokenOrder::Bytes:
            return pass.bytesDemand + pass.bytesPrefetch;
        case TokenOrder::Index:
            break;
        }
        return -index;
    };
    if (order != TokenOrder::Index)
        std::stable_sort(passes.begin(), passes.end(), [&](int a, int b) { return key(a) > key(b); });
    return passes;
}

trace::TimeNs axisTop(const analysis::Snapshot& snapshot) {
    std::vector<trace::TimeNs> decode;
    trace::TimeNs highest = 0;
    const std::size_t first = snapshot.passes.size() > kSampled ? snapshot.passes.size() - kSampled : 0;
    for (std::size_t i = first; i < snapshot.passes.size(); ++i) {
        const analysis::PassRecord& pass = snapshot.passes[i];
        highest = std::max(highest, pass.end - pass.begin);
        if (pass.phase == trace::Phase::Decode)
            decode.push_back(pass.end - pass.begin);
    }
    if (decode.empty())
        return std::max<trace::TimeNs>(1, static_cast<trace::TimeNs>(static_cast<double>(highest) * kHeadroom));
    const auto at = static_cast<std::ptrdiff_t>(static_cast<double>(decode.size() - 1) * kOrdinary);
    std::nth_element(decode.begin(), decode.begin() + at, decode.end());
    const trace::TimeNs ordinary = decode[static_cast<std::size_t>(at)];
    return std::max<trace::TimeNs>(1, static_cast<trace::TimeNs>(static_cast<double>(ordinary) * kHeadroom));
}

} // namespace moescope::ui
