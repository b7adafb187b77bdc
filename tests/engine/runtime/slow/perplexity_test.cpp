// Perplexity under llama.cpp's windowing: the tokenised text cut into windows of 512 tokens, the first token of each replaced
// by bos, only the second half of each window scored. Reference: llama-perplexity -c 512, build 10587, the same Q8_0 file.
#include "tests/engine/runtime/run_capture.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>

namespace moescope::runtime {
namespace {

constexpr std::size_t kWindow = 512;
constexpr double kAllWindows = 6.9012;
constexpr std::size_t kSubset = 64;
constexpr double kSubsetPerplexity = 5.3343; ///< llama.cpp's running figure after 64 windows

double negativeLog(std::span<const float> logits, std::int32_t token) {
    const double most = *std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (const float logit : logits)
        sum += std::exp(double{logit} - most);
    return most + std::log(sum) - logits[static_cast<std::size_t>(token)];
}

double perplexity(Engine& engine, std::vector<std::int32_t> tokens, std::size_t windows) {
    double total = 0;
    std::size_t scored = 0;
    for (std::size_t window = 0; window < windows; ++window) {
        const auto part = std::span(tokens).subspan(window * kWindow, kWindow);
        part[0] = 1;
        engine.score(part, Engine::ScoreMode::Prefill, [&](int position, std::span<const float> logits) {
            const auto at = static_cast<std::size_t>(position);
            if (at >= kWindow / 2 && at + 1 < kWindow) {
                total += negativeLog(logits, part[at + 1]);
                ++scored;
            }
            return true;
        });
    }
    return std::exp(total / static_cast<double>(scored));
}

TEST(PerplexityTest, IsLlamaCppsOnTheSameWindows) {
#ifdef __SANITIZE_THREAD__
    GTEST_SKIP() << "64 windows take minutes under the thread sanitizer; the other tests of the engine run under it.";
#endif
    const auto path = std::filesystem::path(MOESCOPE_SHARED_DIR) / "data/eval/tinystories-valid.txt";
    if (!std::filesystem::exists(path))
        GTEST_SKIP() << "No " << path;
    std::ifstream stream(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    trace::NullTracer nobody;
    const trace::SteadyClock clock;
    Engine engine({.model = tests::bundledModel(), .threads = 2, .settings = {}, .calibration = {}}, nobody, clock);
    const auto tokens = engine.tokenize(text, true);
    const bool all = std::getenv("MOESCOPE_WHOLE_TEXT") != nullptr;
    const std::size_t windows = all ? tokens.size() / kWindow : kSubset;
    const double expected = all ? kAllWindows : kSubsetPerplexity;
    const double measured = perplexity(engine, tokens, windows);
    RecordProperty("perplexity", std::to_string(measured));
    std::printf("%zu windows: perplexity %.4f, llama.cpp %.4f\n", windows, measured, expected);
    EXPECT_NEAR(measured, expected, 0.005 * expected);
}

} // namespace
} // namespace moescope::runtime
