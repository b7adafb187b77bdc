// Decoding and reading speed of the engine, without and with recording, in the way llama-bench measures: 128 random tokens, one
// per pass, from an empty context and from a depth. Prints the conditions. ctest does not run it; nor is it meant for a busy
// machine.
//   engine_bench [model.gguf [threads]]
#include "engine/runtime/engine.h"
#include "profiler/record/recorder.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace moescope;

constexpr int kRepetitions = 7;
constexpr int kTokens = 128;

/// Wall and processor time since construction; the latter is what a busy machine leaves comparable.
class Stopwatch {
public:
    double wall() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - m_begin).count(); }
    double processor() const { return processorSeconds() - m_processor; }

private:
    static double processorSeconds() {
        rusage usage{};
        getrusage(RUSAGE_SELF, &usage);
        const auto time = [](const timeval& t) {
            return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
        };
        return time(usage.ru_utime) + time(usage.ru_stime);
    }

    std::chrono::steady_clock::time_point m_begin = std::chrono::steady_clock::now();
    double m_processor = processorSeconds();
};

std::int64_t residentBytes() {
    std::ifstream statm("/proc/self/statm");
    std::int64_t total = 0;
    std::int64_t resident = 0;
    statm >> total >> resident;
    return resident * sysconf(_SC_PAGESIZE);
}

std::vector<std::int32_t> randomTokens(int count, int vocabulary) {
    std::mt19937 random(1);
    std::vector<std::int32_t> tokens;
    for (int i = 0; i < count; ++i)
        tokens.push_back(static_cast<std::int32_t>(random() % static_cast<unsigned>(vocabulary - 3)) + 3);
    return tokens;
}

void print(const char* what, std::vector<double> rates, double processorRate) {
    std::sort(rates.begin(), rates.end());
    std::printf("  %-34s %7.0f tok/s best, %7.0f median, %7.0f per second of processor time\n", what, rates.back(),
                rates[rates.size() / 2], processorRate);
}

/// Decode at a depth: the time of the last kTokens positions.
void decode(runtime::Engine& engine, int depth) {
    const auto tokens = randomTokens(depth + kTokens, engine.facts().vocabulary);
    std::vector<double> rates;
    double processor = 0;
    for (int repetition = 0; repetition < kRepetitions; ++repetition) {
        Stopwatch watch;
        engine.score(tokens, runtime::Engine::ScoreMode::Decode, [&](int position, std::span<const float>) {
            if (position + 1 == depth)
                watch = Stopwatch();
            return true;
        });
        rates.push_back(kTokens / watch.wall());
        processor = std::max(processor, kTokens / watch.processor());
    }
    print(("decode 128 at depth " + std::to_string(depth)).c_str(), rates, processor);
}

void prefill(runtime::Engine& engine) {
    runtime::GenerationRequest request;
    request.raw = engine.detokenize(randomTokens(300, engine.facts().vocabulary));
    request.maxTokens = 0;
    const auto count = static_cast<double>(engine.tokenize(*request.raw, true).size());
    std::vector<double> rates;
    double processor = 0;
    for (int repetition = 0; repetition < kRepetitions; ++repetition) {
        engine.forgetContext();
        const Stopwatch watch;
        engine.answer(request);
        rates.push_back(count / watch.wall());
        processor = std::max(processor, count / watch.processor());
    }
    print("read a prompt", rates, processor);
}

/// With sampler, text and events, as in a chat.
void chat(runtime::Engine& engine) {
    runtime::GenerationRequest request;
    request.messages = {{runtime::ChatMessage::Role::User, "Tell me a story about a brave dog and a red ball."}};
    request.maxTokens = kTokens;
    std::vector<double> rates;
    double processor = 0;
    for (int repetition = 0; repetition < kRepetitions; ++repetition) {
        request.sampling.seed = static_cast<std::uint64_t>(repetition);
        const Stopwatch watch;
        const runtime::Answer answer = engine.answer(request);
        rates.push_back(answer.tokens / watch.wall());
        processor = std::max(processor, answer.tokens / watch.processor());
    }
    print("answer a question (temperature 0.8)", rates, processor);
}

void measure(const std::filesystem::path& model, int threads, bool recording) {
    const trace::SteadyClock clock;
    const auto path = std::filesystem::temp_directory_path() / ("engine-bench-" + std::to_string(getpid()) + ".moescope");
    trace::NullTracer nobody;
    std::unique_ptr<record::Recorder> recorder;
    if (recording)
        recorder = std::make_unique<record::Recorder>(record::Recorder::Options{.path = path, .info = {}}, clock);
    {
        trace::TracerSource& tracers = recording ? static_cast<trace::TracerSource&>(*recorder) : nobody;
        runtime::Engine engine({.model = model, .threads = threads, .settings = {}, .calibration = {}}, tracers, clock);
        std::printf("%s, %s, recording %s\n", model.filename().c_str(), engine.backendName().c_str(), recording ? "on" : "off");
        decode(engine, 0);
        decode(engine, 256);
        prefill(engine);
        chat(engine);
        std::printf("  resident memory %.1f MB, model file %.1f MB\n", 1e-6 * static_cast<double>(residentBytes()),
                    1e-6 * static_cast<double>(engine.facts().fileBytes));
    }
    if (recorder) {
        std::printf("  events lost %lld\n", static_cast<long long>(recorder->finish()));
        std::filesystem::remove(path);
    }
}

} // namespace

int main(int argc, char** argv) {
    const std::filesystem::path model = argc > 1 ? argv[1] : MOESCOPE_BENCH_MODEL;
    std::vector<int> threads{1, 2};
    if (argc > 2)
        threads = {std::atoi(argv[2])};
    double load = 0;
    getloadavg(&load, 1);
    std::printf("%u cores, load %.1f\n", std::thread::hardware_concurrency(), load);
    for (const int count : threads)
        for (const bool recording : {false, true})
            measure(model, count, recording);
    return 0;
}
