// What each part of offloading brings on the GPU: the base, AdapMoE's parts, and who computes misses, in turn, round after
// round in one process, so that a machine that changes its pace changes all. Prints its conditions. ctest does not run it.
//   offload_bench MODEL SLOTS TOKENS ROUNDS THREADS
// A model with random weights has no calibration: gates drop by score, at thresholds that this run's own decisions give.
#include "engine/runtime/engine.h"
#include "engine/trace/routing_payload.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace moescope;

constexpr int kWarmTokens = 6; // after each change of settings, not measured

struct Interval {
    trace::TimeNs begin = 0;
    trace::TimeNs end = 0;
    trace::TimeNs length() const { return std::max<trace::TimeNs>(0, end - begin); }
};

/// What one measured stretch of tokens did.
struct Stretch {
    std::int64_t bytes = 0, inPlaceBytes = 0;
    std::int64_t hits = 0, misses = 0, inPlace = 0;
    std::int64_t decisions = 0, kept = 0, single = 0;
    std::vector<Interval> copies, stalls;
    trace::TimeNs inPlaceNs = 0;
    trace::TimeNs wallNs = 0;
    std::vector<float> secondWeights;
};

trace::TimeNs sum(const std::vector<Interval>& all) {
    trace::TimeNs total = 0;
    for (const Interval& one : all)
        total += one.length();
    return total;
}

/// Time within both lists; each in order and without overlaps of its own.
trace::TimeNs shared(std::vector<Interval> a, std::vector<Interval> b) {
    const auto byBegin = [](const Interval& x, const Interval& y) { return x.begin < y.begin; };
    std::sort(a.begin(), a.end(), byBegin);
    std::sort(b.begin(), b.end(), byBegin);
    trace::TimeNs total = 0;
    for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
        total += Interval{std::max(a[i].begin, b[j].begin), std::min(a[i].end, b[j].end)}.length();
        a[i].end < b[j].end ? ++i : ++j;
    }
    return total;
}

class Meter final : public trace::TracerSource, public trace::Tracer {
public:
    trace::Tracer& openProducer(std::string_view) override { return *this; }
    void emit(const trace::Event& event, trace::Payload payload) noexcept override {
        const std::lock_guard lock(m_mutex);
        if (const auto* copy = std::get_if<trace::TransferSpan>(&event)) {
            m_now.bytes += copy->bytes;
            m_now.copies.push_back({copy->begin, copy->end});
        } else if (const auto* stall = std::get_if<trace::StallSpan>(&event)) {
            m_now.stalls.push_back({stall->begin, stall->end});
        } else if (const auto* run = std::get_if<trace::InPlaceSpan>(&event)) {
            ++m_now.inPlace;
            m_now.inPlaceBytes += run->bytes;
            m_now.inPlaceNs += run->end - run->begin;
        } else if (const auto* chosen = std::get_if<trace::ExpertsChosen>(&event)) {
            ++m_now.decisions;
            m_now.kept += chosen->kept;
            m_now.single += chosen->kept == 1 ? 1 : 0;
            if (const auto routing = trace::decodeRouting(*chosen, payload); routing && routing->weights.size() > 1)
                m_now.secondWeights.push_back(routing->weights[1]);
        } else {
            m_now.misses += std::holds_alternative<trace::ExpertMissed>(event) ? 1 : 0;
            m_now.hits += std::holds_alternative<trace::ExpertHit>(event) ? 1 : 0;
        }
    }
    Stretch take() {
        const std::lock_guard lock(m_mutex);
        return std::exchange(m_now, {});
    }

private:
    std::mutex m_mutex;
    Stretch m_now;
};

struct Variant {
    std::string name;
    double single = 0; ///< share of decisions that the gate leaves one expert
    bool prefetch = false;
    std::string service = "copy";
    int depth = 1; ///< layers that prefetching looks ahead
    double threshold = 0;
    std::vector<double> rates{}; ///< tok/s, one per round
    Stretch last{};
};

class Bench {
public:
    Bench(const char* model, int slots, int tokens, int threads)
        : m_tokens(tokens), m_engine(options(model, slots, threads), m_meter, m_clock) {
        newText(0);
    }
    /// Each round has a text of its own, or a cache that nothing moves in would hold what the text ended with.
    void newText(int round) {
        std::mt19937 random(static_cast<unsigned>(round) + 1);
        m_text.clear();
        for (int i = 0; i < kWarmTokens + m_tokens; ++i)
            m_text.push_back(static_cast<std::int32_t>(random() % static_cast<unsigned>(m_engine.facts().vocabulary - 3)) + 3);
    }
    const runtime::Engine& engine() const { return m_engine; }

    void measure(Variant& variant) {
        m_engine.post("gate", variant.threshold > 0 ? "score" : "topk");
        m_engine.post("gate-threshold", std::to_string(variant.threshold));
        m_engine.post("prefetch", variant.prefetch ? "next-layer" : "none");
        m_engine.post("prefetch-depth", std::to_string(variant.depth));
        m_engine.post("miss-service", variant.service);
        trace::TimeNs begin = 0;
        m_engine.score(m_text, runtime::Engine::ScoreMode::Decode, [&](int position, std::span<const float>) {
            if (position + 1 == kWarmTokens) {
                m_meter.take();
                begin = m_clock.now();
            }
            return true;
        });
        const trace::TimeNs wall = m_clock.now() - begin;
        variant.last = m_meter.take();
        variant.last.wallNs = wall;
        variant.rates.push_back(m_tokens * 1e9 / static_cast<double>(wall));
    }

private:
    static runtime::EngineOptions options(const char* model, int slots, int threads) {
        runtime::EngineOptions options;
        options.model = model;
        options.threads = threads;
        options.backend = "cuda";
        options.settings.cacheExperts = slots;
        options.settings.prefetchBudgetMb = runtime::Settings::kAutoBudget;
        return options;
    }

    int m_tokens;
    trace::SteadyClock m_clock;
    Meter m_meter;
    runtime::Engine m_engine;
    std::vector<std::int32_t> m_text;
};

double medianOf(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

void print(const Variant& v, const Variant& base, int tokens) {
    const Stretch& s = v.last;
    const auto share = [](double part, double whole) { return whole > 0 ? part / whole : 0.0; };
    const auto wall = static_cast<double>(s.wallNs);
    std::vector<double> ratios;
    for (std::size_t round = 0; round < v.rates.size(); ++round)
        ratios.push_back(v.rates[round] / base.rates[round]);
    const auto stalled = static_cast<double>(sum(s.stalls));
    const auto busy = static_cast<double>(sum(s.copies));
    std::printf("%-34s %6.2f tok/s (%5.2f-%5.2f)  %.2fx | k %.2f, single %4.1f %%, hits %4.1f %% | %4.2f GB/token, %4.1f GB/s, "
                "busy %3.0f %%, stalled %3.0f %%, busy in stalls %3.0f %% | in place %4.1f/token at %4.1f GB/s\n",
                v.name.c_str(), medianOf(v.rates), *std::min_element(v.rates.begin(), v.rates.end()),
                *std::max_element(v.rates.begin(), v.rates.end()), medianOf(ratios),
                share(static_cast<double>(s.kept), static_cast<double>(s.decisions)),
                100 * share(static_cast<double>(s.single), static_cast<double>(s.decisions)),
                100 * share(static_cast<double>(s.hits), static_cast<double>(s.hits + s.misses)),
                1e-9 * static_cast<double>(s.bytes) / tokens, share(static_cast<double>(s.bytes), busy), 100 * busy / wall,
                100 * stalled / wall, 100 * share(static_cast<double>(shared(s.copies, s.stalls)), stalled),
                static_cast<double>(s.inPlace) / tokens,
                share(static_cast<double>(s.inPlaceBytes), static_cast<double>(s.inPlaceNs)));
    std::fflush(stdout);
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 6) {
        std::printf("usage: offload_bench MODEL SLOTS TOKENS ROUNDS THREADS\n");
        return 2;
    }
    try {
        const int tokens = std::atoi(argv[3]);
        const int rounds = std::atoi(argv[4]);
        Bench bench(argv[1], std::atoi(argv[2]), tokens, std::atoi(argv[5]));
        const model::ModelFacts& facts = bench.engine().facts();
        std::printf(
            "%s%s on %s, %s of %d experts resident (LRU, uniform), %d random tokens from an empty context after %d to warm "
            "up, medians of %d rounds, %s threads\n",
            facts.name.c_str(), facts.synthetic ? " (synthetic weights)" : "", bench.engine().backendName().c_str(), argv[2],
            facts.layers * facts.experts, tokens, kWarmTokens, rounds, argv[5]);
        std::vector<Variant> variants{{"base", 0, false},
                                      {"prefetch", 0, true},
                                      {"gate", 0.25, false},
                                      {"gate + prefetch (AdapMoE)", 0.25, true},
                                      {"gate k 1.5", 0.5, false},
                                      {"gate k 1.5 + prefetch (AdapMoE)", 0.5, true},
                                      {"cpu", 0, false, "cpu"},
                                      {"cpu + prefetch", 0, true, "cpu"},
                                      {"cpu + prefetch, 2 layers ahead", 0, true, "cpu", 2},
                                      {"hybrid", 0, false, "hybrid"},
                                      {"hybrid + prefetch", 0, true, "hybrid"},
                                      {"AdapMoE + hybrid", 0.25, true, "hybrid"},
                                      {"AdapMoE k 1.5 + hybrid", 0.5, true, "hybrid"}};
        Variant warm = variants[0];
        bench.measure(warm);
        std::vector<float> weights = warm.last.secondWeights;
        std::sort(weights.begin(), weights.end());
        for (Variant& variant : variants)
            if (variant.single > 0 && !weights.empty())
                variant.threshold = static_cast<double>(
                    weights[static_cast<std::size_t>(variant.single * static_cast<double>(weights.size()))]);
        for (int round = 0; round < rounds; ++round) {
            bench.newText(round + 1);
            for (Variant& variant : variants)
                bench.measure(variant);
        }
        for (const Variant& variant : variants)
            print(variant, variants[0], tokens);
    } catch (const std::exception& problem) {
        std::printf("%s\n", problem.what());
        return 1;
    }
    return 0;
}
