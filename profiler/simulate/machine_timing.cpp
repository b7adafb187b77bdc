#include "profiler/simulate/machine_timing.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <unordered_map>

namespace moescope::simulate {
namespace {

/// A mean that few wild values cannot carry away: a process that was put aside for milliseconds says nothing about the link.
class Mean {
public:
    static constexpr trace::TimeNs kLongestNs = 100'000'000'000;
    // A bound, because the times come from a file and are added up.
    void add(trace::TimeNs value) { m_values.push_back(std::clamp<trace::TimeNs>(value, 0, kLongestNs)); }
    bool known() const { return !m_values.empty(); }
    trace::TimeNs value() const {
        if (m_values.empty())
            return 0;
        std::vector<trace::TimeNs> sorted = m_values;
        const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
        std::nth_element(sorted.begin(), middle, sorted.end());
        constexpr trace::TimeNs kWild = 20;
        const trace::TimeNs most = std::max<trace::TimeNs>(kWild * *middle, 1'000'000);
        double sum = 0;
        std::size_t count = 0;
        for (const trace::TimeNs one : m_values)
            if (one <= most) {
                sum += static_cast<double>(one);
                ++count;
            }
        return count == 0 ? 0 : static_cast<trace::TimeNs>(std::llround(sum / static_cast<double>(count)));
    }

private:
    std::vector<trace::TimeNs> m_values;
};

/// One mean per phase; where a phase shows nothing, the other one's.
struct PhaseMeans {
    std::array<Mean, 2> means;
    Mean& of(trace::Phase phase) { return means[static_cast<std::size_t>(phase)]; }
    trace::TimeNs value(std::size_t phase) const { return (means[phase].known() ? means[phase] : means[1 - phase]).value(); }
    bool known() const { return means[0].known() || means[1].known(); }
};

/// The link in force for each copy: settings change between tokens, in the order of the script.
std::vector<expert::Link> linksOf(const Recording& recording) {
    std::map<trace::TimeNs, expert::Link> since;
    const auto say = [&](trace::TimeNs at, std::string_view name) {
        try {
            since[at] = expert::parseLink(name);
        } catch (const std::invalid_argument&) {
            since[at] = {};
        }
    };
    since[std::numeric_limits<trace::TimeNs>::min()] = {};
    for (const auto& [name, value] : recording.info.settings)
        if (name == "link")
            say(std::numeric_limits<trace::TimeNs>::min(), value);
    for (const Remark& remark : recording.remarks)
        if (const auto* changed = std::get_if<trace::SettingChanged>(&remark.event))
            if (const SettingWords words = settingWords(recording.payloadOf(remark)); words.name == "link")
                say(changed->at, words.after);
    std::vector<expert::Link> links;
    links.reserve(recording.copies.size());
    for (const Copy& copy : recording.copies)
        links.push_back(std::prev(since.upper_bound(copy.span.begin))->second);
    return links;
}

} // namespace

trace::TimeNs linkNs(const expert::Link& link, std::int64_t bytes) {
    if (!link.emulated())
        return 0;
    return link.latencyNs + static_cast<trace::TimeNs>(std::ceil(static_cast<double>(bytes) / link.bytesPerSecond * 1e9));
}

MachineTiming::MachineTiming(const Recording& recording) {
    measureCopies(recording);
    measureHandOver(recording);
    measureWaits(recording);
    measureRequests(recording);
    measureCompute(recording);
    measureHoldUps(recording);
}

void MachineTiming::measureCopies(const Recording& recording) {
    const std::int64_t bytes = recording.info.model.expertBytes;
    const std::vector<expert::Link> links = linksOf(recording);
    PhaseMeans late;
    PhaseMeans copy;
    PhaseMeans whole;
    trace::TimeNs fastestFill = Mean::kLongestNs;
    for (std::size_t i = 0; i < recording.copies.size(); ++i) {
        const auto& [span, phase] = recording.copies[i];
        if (span.outcome != trace::TransferOutcome::Completed || span.bytes != bytes || span.end <= span.begin)
            continue;
        // A guess may have made way for a demand half-way.
        if (span.cause != trace::TransferCause::Demand && span.emulated)
            continue;
        // The first copies meet cold memory; the fastest of them says what the machine can do.
        if (span.cause == trace::TransferCause::Allocation) {
            fastestFill = std::min(fastestFill, span.end - span.begin);
            continue;
        }
        (span.emulated ? whole : copy).of(phase).add(span.end - span.begin);
        if (span.emulated)
            late.of(phase).add(span.end - span.begin - linkNs(links[i], bytes));
    }
    const bool filled = fastestFill < Mean::kLongestNs;
    m_copySpeedKnown = copy.known() || filled;
    for (std::size_t phase = 0; phase < m_moves.size(); ++phase) {
        m_moves[phase].late = late.value(phase);
        m_moves[phase].copy = copy.known() ? copy.value(phase) : filled ? fastestFill : 0;
        // Where copies took much longer than the link asks, the machine could not copy faster.
        constexpr double kSlower = 1.25;
        const trace::TimeNs measured = whole.value(phase);
        m_typicalCopy[phase] = whole.known() ? measured : m_moves[phase].copy;
        const trace::TimeNs model = measured - m_moves[phase].late;
        if (!copy.known() && !filled && whole.known() && static_cast<double>(measured) > kSlower * static_cast<double>(model)) {
            m_moves[phase].copy = measured;
            m_moves[phase].late = 0;
            m_copySpeedKnown = true;
        }
    }
}

void MachineTiming::measureHandOver(const Recording& recording) {
    std::vector<const Copy*> order;
    for (const Copy& copy : recording.copies)
        order.push_back(&copy);
    std::stable_sort(order.begin(), order.end(), [](const Copy* a, const Copy* b) { return a->span.begin < b->span.begin; });
    PhaseMeans idle;
    PhaseMeans gap;
    trace::TimeNs free = std::numeric_limits<trace::TimeNs>::min();
    for (const Copy* copy : order) {
        const trace::TransferSpan& span = copy->span;
        if (span.cause != trace::TransferCause::Allocation) {
            if (free <= span.queuedAt)
                idle.of(copy->phase).add(span.begin - span.queuedAt);
            else if (span.begin >= free)
                gap.of(copy->phase).add(span.begin - free);
        }
        free = std::max(free, span.end);
    }
    for (std::size_t phase = 0; phase < m_moves.size(); ++phase) {
        m_moves[phase].handOver = idle.value(phase);
        m_moves[phase].gap = gap.value(phase);
    }
}

void MachineTiming::measureWaits(const Recording& recording) {
    std::unordered_map<std::int32_t, trace::TimeNs> ends;
    for (const Copy& copy : recording.copies)
        ends[copy.span.transfer.value] = copy.span.end;
    PhaseMeans notice;
    for (const Wait& wait : recording.waits)
        if (const auto end = ends.find(wait.transfer.value); end != ends.end())
            notice.of(wait.phase).add(wait.end - end->second);
    for (std::size_t phase = 0; phase < m_moves.size(); ++phase)
        m_moves[phase].notice = notice.value(phase);
}

void MachineTiming::measureRequests(const Recording& recording) {
    // Where nothing was resident, all that came before the first wait was asking for transfers.
    PhaseMeans request;
    for (const Pass& pass : recording.passes)
        for (int i = 0; i < pass.layerCount; ++i) {
            const LayerWork& layer = recording.layers[pass.firstLayer + static_cast<std::size_t>(i)];
            if (layer.hits == 0 && layer.leadNs >= 0 && layer.requests > 0)
                request.of(pass.phase).add(layer.leadNs / layer.requests);
        }
    for (std::size_t phase = 0; phase < m_moves.size(); ++phase)
        m_moves[phase].request = request.value(phase);
}

void MachineTiming::measureCompute(const Recording& recording) {
    // Least squares of net time = hit * hits + miss * misses over the decode passes.
    double hh = 0, hm = 0, mm = 0, ht = 0, mt = 0;
    for (const Pass& pass : recording.passes) {
        if (pass.phase != trace::Phase::Decode || !pass.complete)
            continue;
        for (int i = 0; i < pass.layerCount; ++i) {
            const LayerWork& layer = recording.layers[pass.firstLayer + static_cast<std::size_t>(i)];
            const double hits = layer.hits;
            const double misses = layer.misses;
            const double time = static_cast<double>(
                std::max<trace::TimeNs>(0, layer.expertsNs - layer.requests * moves(trace::Phase::Decode).request));
            constexpr double kWild = 3e6;
            if (time > kWild)
                continue;
            hh += hits * hits;
            hm += hits * misses;
            mm += misses * misses;
            ht += hits * time;
            mt += misses * time;
        }
    }
    const double determinant = hh * mm - hm * hm;
    if (determinant > 1e-6 * hh * mm && hh > 0 && mm > 0) {
        m_compute.hit = std::max(0.0, (ht * mm - mt * hm) / determinant);
        m_compute.miss = std::max(0.0, (mt * hh - ht * hm) / determinant);
    }
    // Seen only one kind: no difference between the two is known.
    else if (hh + mm > 0)
        m_compute.hit = m_compute.miss = (ht + mt) / (hh + mm + 2 * hm);
}

trace::TimeNs MachineTiming::heldUpTotalNs() const {
    double total = 0;
    for (const trace::TimeNs one : m_heldUp)
        total += static_cast<double>(one);
    return static_cast<trace::TimeNs>(std::min(total, 1e18));
}

void MachineTiming::measureHoldUps(const Recording& recording) {
    constexpr trace::TimeNs kShortest = 1'000'000;
    constexpr trace::TimeNs kTimes = 5; // a few copies in line are an honest wait
    m_heldUp.resize(recording.layers.size());
    for (const Wait& wait : recording.waits) {
        const MoveCosts& costs = moves(wait.phase);
        const trace::TimeNs copy = m_typicalCopy[static_cast<std::size_t>(wait.phase)];
        const trace::TimeNs typical = costs.handOver + copy + costs.notice;
        const trace::TimeNs waited = wait.end - wait.begin;
        if (wait.layer < m_heldUp.size() && waited > std::max(kShortest, kTimes * typical))
            m_heldUp[wait.layer] = std::min<trace::TimeNs>(m_heldUp[wait.layer] + waited - typical, Mean::kLongestNs);
    }
}

} // namespace moescope::simulate
