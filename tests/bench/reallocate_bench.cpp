// How long a change of cache size, allocation or cache policy holds up a running answer: the time from a token to the begin of
// the pass that reads it, for tokens behind which a setting changed, beside the time of an ordinary token. Prefetching is on,
// so that copies are under way when the change comes. Prints its conditions. ctest does not run it.
//   reallocate_bench [model.gguf [link]]
#include "engine/runtime/engine.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <thread>
#include <variant>
#include <vector>

namespace {

using namespace moescope;

struct Change {
    const char* name;
    const char* value;
};
constexpr std::array kChanges = {Change{"cache-experts", "16"},   Change{"cache-experts", "48"},
                                 Change{"allocation", "global"},  Change{"allocation", "adapmoe-dp"},
                                 Change{"allocation", "curves"},  Change{"cache", "lfu"},
                                 Change{"cache", "lcu"},          Change{"cache", "weighted"},
                                 Change{"allocation", "uniform"}, Change{"cache", "lru"},
                                 Change{"cache-experts", "0"},    Change{"cache-experts", "32"}};
constexpr int kEvery = 8; ///< tokens between two changes

/// Posts the changes in turn and takes the times.
class Watch final : public trace::Tracer, public trace::TracerSource {
public:
    trace::Tracer& openProducer(std::string_view name) override {
        return name == "engine" ? static_cast<trace::Tracer&>(*this) : m_nobody;
    }
    void emit(const trace::Event& event, trace::Payload) noexcept override {
        if (const auto* token = std::get_if<trace::TokenEmitted>(&event)) {
            m_emittedAt = token->at;
            if (++m_tokens % kEvery == 0 && engine) {
                m_open = static_cast<int>(m_next++ % kChanges.size());
                engine->post(kChanges[static_cast<std::size_t>(m_open)].name, kChanges[static_cast<std::size_t>(m_open)].value);
            }
        } else if (const auto* span = std::get_if<trace::StageSpan>(&event); span && span->stage == trace::Stage::Step) {
            if (span->phase == trace::Phase::Decode) {
                auto& list = m_open >= 0 ? pauses[m_open] : ordinary;
                list.push_back(static_cast<double>(span->begin - m_emittedAt) / 1e3);
                tokens.push_back(static_cast<double>(span->end - span->begin) / 1e3);
            }
            m_open = -1;
        }
    }

    runtime::Engine* engine = nullptr;
    std::map<int, std::vector<double>> pauses; ///< by change, microseconds
    std::vector<double> ordinary;
    std::vector<double> tokens;

private:
    trace::NullTracer m_nobody;
    trace::TimeNs m_emittedAt = 0;
    int m_tokens = 0;
    int m_open = -1;
    std::size_t m_next = 0;
};

double at(std::vector<double> values, double share) {
    if (values.empty())
        return 0;
    std::sort(values.begin(), values.end());
    return values[std::min(values.size() - 1, static_cast<std::size_t>(share * static_cast<double>(values.size())))];
}

} // namespace

int main(int argc, char** argv) {
    const std::filesystem::path model = argc > 1 ? argv[1] : MOESCOPE_BENCH_MODEL;
    runtime::Settings settings;
    settings.cacheExperts = 32;
    settings.link = argc > 2 ? argv[2] : "pcie3x4";
    settings.prefetch = "next-layer";
    double load = 0;
    getloadavg(&load, 1);
    std::printf("%u cores, load %.1f; %s, link %s (emulated), 1 thread\n", std::thread::hardware_concurrency(), load,
                model.filename().c_str(), settings.link.c_str());
    const trace::SteadyClock clock;
    Watch watch;
    runtime::Engine engine({.model = model, .threads = 1, .settings = settings, .calibration = {}}, watch, clock);
    watch.engine = &engine;
    for (std::uint64_t seed = 0; seed < 16; ++seed) {
        runtime::GenerationRequest request;
        request.messages = {{runtime::ChatMessage::Role::User, "Tell me a long story about a brave dog and a red ball."}};
        request.maxTokens = 200;
        request.sampling.seed = seed;
        engine.answer(request);
        engine.forgetContext();
    }
    std::printf("%-28s %6s %12s %12s\n", "from a token to its pass, us", "times", "median", "most");
    const auto print = [](const std::string& what, const std::vector<double>& values) {
        std::printf("%-28s %6zu %12.1f %12.1f\n", what.c_str(), values.size(), at(values, 0.5), at(values, 1));
    };
    print("no change", watch.ordinary);
    for (const auto& [change, values] : watch.pauses) {
        const Change& which = kChanges[static_cast<std::size_t>(change)];
        print(std::string(which.name) + " " + which.value, values);
    }
    print("the pass itself", watch.tokens);
    return 0;
}
