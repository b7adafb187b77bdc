// How many router decisions a simulation does per second, per policy, on one core. Prints figures with their conditions; ctest
// does not run it. Arguments: a session (default: the sample `thrashing`) and how often its tokens are repeated.
#include "profiler/session/session_reader.h"
#include "profiler/simulate/simulation.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string>

namespace {

using namespace moescope;
namespace fs = std::filesystem;

double cpuSeconds() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

std::string processor() {
    std::ifstream info("/proc/cpuinfo");
    for (std::string line; std::getline(info, line);)
        if (line.starts_with("model name"))
            return line.substr(line.find(':') + 2);
    return "unknown processor";
}

/// The session's decode passes over and over: a long conversation without a file of that size.
simulate::Recording longRecording(const fs::path& file, int times) {
    simulate::Recording recording = simulate::readRecording(file);
    std::vector<simulate::ScriptItem> passes;
    for (const simulate::ScriptItem& item : recording.script)
        if (item.kind == simulate::ScriptItem::Kind::Pass)
            passes.push_back(item);
    for (int i = 1; i < times; ++i)
        recording.script.insert(recording.script.end(), passes.begin(), passes.end());
    return recording;
}

struct Case {
    const char* name;
    std::vector<std::pair<const char*, const char*>> settings;
};

void measure(const simulate::Recording& recording, const simulate::MachineTiming& timing, const Case& one, bool figures) {
    simulate::Scenario scenario;
    for (const auto& [name, value] : one.settings)
        scenario.set(name, value);
    constexpr int kRounds = 3;
    double best = 1e9;
    std::int64_t decisions = 0;
    double hitRate = 0;
    for (int round = 0; round < kRounds; ++round) {
        simulate::FigureCounter counter(recording.info.model.layers, recording.info.model.experts);
        trace::NullTracer nothing;
        const double begin = cpuSeconds();
        simulate::Simulation(recording, timing, scenario, figures ? static_cast<trace::Tracer&>(counter) : nothing).run({});
        best = std::min(best, cpuSeconds() - begin);
        if (figures) {
            decisions = counter.figures().decisions;
            hitRate = counter.figures().hitRate();
        }
    }
    if (!figures)
        for (const simulate::ScriptItem& item : recording.script)
            if (item.kind == simulate::ScriptItem::Kind::Pass) {
                const simulate::Pass& pass = recording.passes[item.index];
                for (int i = 0; i < pass.layerCount; ++i)
                    decisions += recording.layers[pass.firstLayer + static_cast<std::size_t>(i)].decisions;
            }
    std::printf("%-34s %-16s %6.2f M decisions/s", one.name, figures ? "with figures" : "events only",
                static_cast<double>(decisions) / best / 1e6);
    if (figures)
        std::printf("   hit rate %.1f %%", 100 * hitRate);
    std::printf("\n");
}

} // namespace

int main(int argc, char** argv) {
    const fs::path file =
        argc > 1 ? fs::path(argv[1]) : fs::path(MOESCOPE_SOURCE_DIR) / "sample_sessions" / "thrashing.moescope";
    const int times = argc > 2 ? std::atoi(argv[2]) : 100;
    const simulate::Recording recording = longRecording(file, std::max(1, times));
    const simulate::MachineTiming timing(recording);
    std::printf("%s, one thread, best of 3 by CPU time; %s, %d layers x %d experts, top-%d, its passes %d times\n",
                processor().c_str(), file.filename().c_str(), recording.info.model.layers, recording.info.model.experts,
                recording.info.model.topK, times);
    const Case cases[] = {{"lru, half the experts", {{"cache", "lru"}, {"cache-experts", "32"}}},
                          {"lru, a quarter", {{"cache", "lru"}, {"cache-experts", "16"}}},
                          {"lfu, half", {{"cache", "lfu"}, {"cache-experts", "32"}}},
                          {"lru, global pool of half", {{"cache-experts", "32"}, {"allocation", "global"}}},
                          {"belady, half", {{"cache", "belady"}, {"cache-experts", "32"}}},
                          {"next-layer, half", {{"cache-experts", "32"}, {"prefetch", "next-layer"}}},
                          {"adapmoe, half", {{"cache-experts", "32"}, {"gate", "adapmoe"}, {"gate-threshold", "0.01"}}}};
    for (const Case& one : cases)
        for (const bool figures : {false, true})
            try {
                measure(recording, timing, one, figures);
            } catch (const std::exception& refusal) {
                std::printf("%-34s %s\n", one.name, refusal.what());
            }
    return 0;
}
