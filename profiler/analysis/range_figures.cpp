#include "profiler/analysis/range_figures.h"

#include "profiler/analysis/experts_for_share.h"

#include <algorithm>
#include <cmath>

namespace moescope::analysis {
namespace {

/// Calls back with (layer, choice) for every decision of the tokens in the range.
template <class Visit>
void forChoices(const Snapshot& s, TokenRange range, Visit&& visit) {
    if (s.layers <= 0)
        return;
    const auto layers = static_cast<std::size_t>(s.layers);
    const std::size_t known = s.choices.size() / layers;
    const auto begin = static_cast<std::size_t>(std::max(0, range.begin));
    const auto end = std::min(known, static_cast<std::size_t>(std::max(0, range.end)));
    for (std::size_t token = begin; token < end; ++token)
        for (std::size_t layer = 0; layer < layers; ++layer)
            if (const ChoiceRecord& choice = s.choices[token * layers + layer]; choice.candidates > 0)
                visit(layer, choice);
}

struct Counts {
    std::vector<std::int64_t> kept, dropped;
    std::vector<double> weight; ///< of the kept ones
    std::int64_t decisions = 0;
};

Counts countChoices(const Snapshot& s, TokenRange range) {
    const auto experts = static_cast<std::size_t>(s.experts);
    const std::size_t keys = static_cast<std::size_t>(s.layers) * experts;
    Counts counts{std::vector<std::int64_t>(keys), std::vector<std::int64_t>(keys), std::vector<double>(keys), 0};
    forChoices(s, range, [&](std::size_t layer, const ChoiceRecord& choice) {
        ++counts.decisions;
        for (std::size_t i = 0; i < choice.candidates; ++i) {
            const std::size_t index = layer * experts + choice.ids[i];
            if (i >= choice.kept) {
                ++counts.dropped[index];
                continue;
            }
            ++counts.kept[index];
            counts.weight[index] += static_cast<double>(trace::fromHalf(choice.weights[i]));
        }
    });
    return counts;
}

double ratio(double part, double of) {
    return of > 0 ? part / of : 0;
}

double entropyBits(const std::vector<std::int64_t>& runs) {
    double total = 0;
    for (const std::int64_t count : runs)
        total += static_cast<double>(count);
    double entropy = 0;
    for (const std::int64_t count : runs)
        if (count > 0)
            entropy -= static_cast<double>(count) / total * std::log2(static_cast<double>(count) / total);
    return entropy;
}

/// What the cells of a row, a column or a single cell add up to.
struct Cell {
    double kept = 0, dropped = 0, weight = 0;
    void add(const Cell& other) {
        kept += other.kept;
        dropped += other.dropped;
        weight += other.weight;
    }
    /// of: runs that a share is taken of.
    double as(UsageValue value, double of) const {
        switch (value) {
        case UsageValue::Count:
            return kept;
        case UsageValue::MeanWeight:
            return ratio(weight, kept);
        case UsageValue::Share:
            return ratio(kept, of);
        case UsageValue::Dropped:
            return dropped;
        }
        return 0;
    }
};

} // namespace

ExpertUsage expertUsage(const Snapshot& snapshot, TokenRange range, UsageValue value) {
    const Counts counts = countChoices(snapshot, range);
    const auto layers = static_cast<std::size_t>(snapshot.layers);
    const auto experts = static_cast<std::size_t>(snapshot.experts);
    const auto cellAt = [&](std::size_t i) {
        return Cell{static_cast<double>(counts.kept[i]), static_cast<double>(counts.dropped[i]), counts.weight[i]};
    };
    std::vector<Cell> rows(layers), columns(experts);
    Cell all;
    for (std::size_t i = 0; i < layers * experts; ++i) {
        rows[i / experts].add(cellAt(i));
        columns[i % experts].add(cellAt(i));
        all.add(cellAt(i));
    }
    ExpertUsage usage;
    usage.layers = snapshot.layers;
    usage.experts = snapshot.experts;
    usage.decisions = counts.decisions;
    usage.value.resize(layers * experts);
    for (std::size_t i = 0; i < usage.value.size(); ++i) {
        usage.value[i] = cellAt(i).as(value, rows[i / experts].kept);
        usage.maximum = std::max(usage.maximum, usage.value[i]);
    }
    for (std::size_t layer = 0; layer < layers; ++layer) {
        const auto first = counts.kept.begin() + static_cast<std::ptrdiff_t>(layer * experts);
        const std::vector<std::int64_t> runs(first, first + static_cast<std::ptrdiff_t>(experts));
        usage.layerTotal.push_back(rows[layer].as(value, rows[layer].kept));
        usage.entropy.push_back(entropyBits(runs));
        usage.expertsFor90.push_back(expertsForShare(runs, 0.9));
    }
    for (const Cell& column : columns)
        usage.expertTotal.push_back(column.as(value, all.kept));
    return usage;
}

GateHistogram gateHistogram(const Snapshot& snapshot, TokenRange range, int layer, int bins) {
    GateHistogram histogram;
    const int wanted = std::max(1, bins);
    histogram.kept.resize(static_cast<std::size_t>(wanted));
    histogram.dropped.resize(static_cast<std::size_t>(wanted));
    const int topK = snapshot.info ? snapshot.info->model.topK : 2;
    histogram.upper = topK > 1 ? 1.0 - 1.0 / topK : 0.5;
    forChoices(snapshot, range, [&](std::size_t at, const ChoiceRecord& choice) {
        if ((layer >= 0 && at != static_cast<std::size_t>(layer)) || choice.candidates < 2)
            return;
        const double place = static_cast<double>(choice.secondShare) / histogram.upper * wanted;
        const auto bin = static_cast<std::size_t>(std::clamp(static_cast<int>(place), 0, wanted - 1));
        ++(choice.kept < choice.candidates ? histogram.dropped : histogram.kept)[bin];
        ++histogram.decisions;
    });
    return histogram;
}

namespace {

/// Sums per layer, the last of them over all.
class ShareSums {
public:
    explicit ShareSums(int layers) : m_sums(static_cast<std::size_t>(layers) + 1) {}

    void add(std::size_t layer, const ChoiceRecord& choice) {
        for (Sums* at : {&m_sums[layer], &m_sums.back()}) {
            ++at->decisions;
            at->kept += choice.kept;
            at->single += choice.candidates > 1 && choice.kept == 1 ? 1 : 0;
        }
    }
    std::vector<GateShare> shares() const {
        std::vector<GateShare> shares;
        for (const Sums& at : m_sums) {
            const auto decisions = static_cast<double>(at.decisions);
            shares.push_back({ratio(static_cast<double>(at.kept), decisions), ratio(static_cast<double>(at.single), decisions),
                              at.decisions});
        }
        return shares;
    }

private:
    struct Sums {
        std::int64_t decisions = 0, kept = 0, single = 0;
    };
    std::vector<Sums> m_sums;
};

} // namespace

std::vector<GateShare> gateShares(const Snapshot& snapshot, TokenRange range) {
    ShareSums sums(snapshot.layers);
    forChoices(snapshot, range, [&](std::size_t layer, const ChoiceRecord& choice) { sums.add(layer, choice); });
    return sums.shares();
}

PhaseShares phaseShares(const Snapshot& snapshot, TokenRange range) {
    ShareSums decode(snapshot.layers);
    ShareSums prefill(snapshot.layers);
    forChoices(snapshot, range, [&](std::size_t layer, const ChoiceRecord& choice) {
        (choice.phase == trace::Phase::Decode ? decode : prefill).add(layer, choice);
    });
    return {decode.shares(), prefill.shares()};
}

TokenRange tokensIn(const Snapshot& snapshot, trace::TimeNs begin, trace::TimeNs end) {
    // Passes follow one another, so both their begins and their ends are sorted.
    std::size_t low = 0;
    std::size_t high = snapshot.passes.size();
    while (low < high) {
        const std::size_t middle = low + (high - low) / 2;
        if (snapshot.passes[middle].end <= begin)
            low = middle + 1;
        else
            high = middle;
    }
    TokenRange range;
    for (std::size_t i = low; i < snapshot.passes.size() && snapshot.passes[i].begin < end; ++i) {
        const PassRecord& pass = snapshot.passes[i];
        if (range.size() == 0)
            range.begin = pass.firstToken.value;
        range.end = std::max(range.end, pass.firstToken.value + pass.tokens);
    }
    return range;
}

std::pair<trace::TimeNs, trace::TimeNs> timesOf(const Snapshot& snapshot, TokenRange range) {
    const auto begin = static_cast<std::size_t>(std::max(0, range.begin));
    const auto end = std::min(snapshot.tokens.size(), static_cast<std::size_t>(std::max(0, range.end)));
    std::int32_t first = -1;
    std::int32_t last = -1;
    for (std::size_t i = begin; i < end; ++i) {
        const std::int32_t pass = snapshot.tokens[i].pass;
        if (pass < 0)
            continue;
        first = first < 0 ? pass : std::min(first, pass);
        last = std::max(last, pass);
    }
    if (first < 0)
        return {0, 0};
    return {snapshot.passes[static_cast<std::size_t>(first)].begin, snapshot.passes[static_cast<std::size_t>(last)].end};
}

} // namespace moescope::analysis
