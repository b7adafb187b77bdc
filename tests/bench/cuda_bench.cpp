// Decoding speed on the GPU with everything resident and with experts that have to be fetched. Prints the conditions. ctest
// does not run it.
//   cuda_bench MODEL TOKENS [cache-experts...]
// Models of more than 2 GB are measured with pinned host memory only. TOKENS 0: only what reading a prompt takes.
#include "engine/runtime/engine.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

namespace {

using namespace moescope;

constexpr int kRepetitions = 5;

/// Adds up what went over the link.
class LinkMeter final : public trace::TracerSource, public trace::Tracer {
public:
    trace::Tracer& openProducer(std::string_view) override { return *this; }
    void emit(const trace::Event& event, trace::Payload) noexcept override {
        const std::lock_guard lock(m_mutex);
        if (const auto* span = std::get_if<trace::TransferSpan>(&event)) {
            bytes += span->bytes;
            busyNs += span->end - span->begin;
        } else if (const auto* stall = std::get_if<trace::StallSpan>(&event)) {
            stallNs += stall->end - stall->begin;
        } else if (std::holds_alternative<trace::ExpertMissed>(event)) {
            ++missed;
        } else if (std::holds_alternative<trace::ExpertHit>(event)) {
            ++hit;
        }
    }
    void clear() { bytes = busyNs = stallNs = missed = hit = 0; }

    std::int64_t bytes = 0;
    std::int64_t busyNs = 0;
    std::int64_t stallNs = 0;
    std::int64_t missed = 0;
    std::int64_t hit = 0;

private:
    std::mutex m_mutex;
};

/// One engine, measured under settings that change while it lives.
class Bench {
public:
    Bench(const std::filesystem::path& model, const std::string& hostMemory, int tokens)
        : m_hostMemory(hostMemory), m_tokens(tokens), m_engine(options(model, hostMemory), m_meter, m_clock) {
        m_engine.post("prefetch-budget-mb", "1000");
    }

    const model::ModelFacts& facts() const { return m_engine.facts(); }
    void decode(int slots, const std::string& prefetch, int depth) {
        m_engine.post("cache-experts", std::to_string(slots));
        m_engine.post("prefetch", prefetch);
        const auto tokens = randomTokens(depth + m_tokens);
        std::vector<double> rates;
        run(tokens, depth); // the settings take effect and the cache warms up
        for (int repetition = 0; repetition < kRepetitions; ++repetition)
            rates.push_back(m_tokens / run(tokens, depth));
        std::sort(rates.begin(), rates.end());
        std::printf("  %-8s slots %4d, prefetch %-10s, depth %4d: %8.1f tok/s median (%.1f to %.1f)", m_hostMemory.c_str(),
                    slots, prefetch.c_str(), depth, rates[kRepetitions / 2], rates.front(), rates.back());
        if (m_meter.bytes > 0)
            printLink(m_tokens / rates[kRepetitions / 2]);
        std::printf("\n");
        std::fflush(stdout);
    }
    /// A prompt of whole passes.
    void prefill() {
        runtime::GenerationRequest request;
        request.raw = m_engine.detokenize(std::vector<std::int32_t>(400, 300));
        request.maxTokens = 0;
        const auto count = static_cast<double>(m_engine.tokenize(*request.raw, true).size());
        std::vector<double> rates;
        for (int repetition = 0; repetition < kRepetitions; ++repetition) {
            m_engine.forgetContext();
            const trace::TimeNs begin = m_clock.now();
            m_engine.answer(request);
            rates.push_back(count * 1e9 / static_cast<double>(m_clock.now() - begin));
        }
        std::sort(rates.begin(), rates.end());
        std::printf("  %-8s read a prompt of %.0f tokens: %.0f tok/s median\n", m_hostMemory.c_str(), count,
                    rates[kRepetitions / 2]);
    }

private:
    static runtime::EngineOptions options(const std::filesystem::path& model, const std::string& hostMemory) {
        runtime::EngineOptions options;
        options.model = model;
        options.threads = 8;
        options.backend = "cuda";
        options.hostMemory = hostMemory;
        return options;
    }
    std::vector<std::int32_t> randomTokens(int count) const {
        std::mt19937 random(1);
        std::vector<std::int32_t> tokens;
        for (int i = 0; i < count; ++i)
            tokens.push_back(static_cast<std::int32_t>(random() % static_cast<unsigned>(facts().vocabulary - 3)) + 3);
        return tokens;
    }
    /// Seconds that the tokens after the first `depth` took.
    double run(const std::vector<std::int32_t>& tokens, int depth) {
        trace::TimeNs begin = m_clock.now();
        m_meter.clear();
        m_engine.score(tokens, runtime::Engine::ScoreMode::Decode, [&](int position, std::span<const float>) {
            if (position + 1 == depth) {
                begin = m_clock.now();
                m_meter.clear();
            }
            return true;
        });
        return 1e-9 * static_cast<double>(m_clock.now() - begin);
    }
    void printLink(double seconds) const {
        const auto ratio = [](std::int64_t part, double whole) { return static_cast<double>(part) / whole; };
        std::printf("; last run: %.1f %% hits, %.2f MB/token at %.1f GB/s, link busy %.0f %% of the time, stalled %.0f %%",
                    100 * ratio(m_meter.hit, static_cast<double>(m_meter.hit + m_meter.missed)),
                    1e-6 * ratio(m_meter.bytes, m_tokens), ratio(m_meter.bytes, static_cast<double>(m_meter.busyNs)),
                    1e-7 * ratio(m_meter.busyNs, seconds), 1e-7 * ratio(m_meter.stallNs, seconds));
    }

    std::string m_hostMemory;
    int m_tokens;
    trace::SteadyClock m_clock;
    LinkMeter m_meter;
    runtime::Engine m_engine;
};

} // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::printf("usage: cuda_bench MODEL TOKENS [cache-experts...]\n");
        return 2;
    }
    try {
        const std::filesystem::path model = argv[1];
        const int tokens = std::atoi(argv[2]);
        const bool large = std::filesystem::file_size(model) > 2'000'000'000;
        std::printf("%s, %d random tokens, medians of %d\n", model.filename().c_str(), tokens, kRepetitions);
        for (const char* memory : {"pinned", "mapped", "pageable"}) {
            Bench bench(model, memory, tokens);
            if (tokens == 0) {
                bench.prefill();
                break;
            }
            bench.decode(0, "none", 0);
            if (std::string(memory) == "pinned") {
                bench.decode(0, "none", 256);
                bench.prefill();
            }
            for (int i = 3; i < argc; ++i) {
                bench.decode(std::atoi(argv[i]), "none", 0);
                bench.decode(std::atoi(argv[i]), "next-layer", 0);
            }
            if (large)
                break;
        }
    } catch (const std::exception& problem) {
        std::printf("%s\n", problem.what());
        return 1;
    }
    return 0;
}
