#include "tests/engine/runtime/run_capture.h"

#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

namespace moescope::runtime {
namespace {

std::int64_t residentBytes() {
    std::ifstream statm("/proc/self/statm");
    std::int64_t total = 0;
    std::int64_t resident = 0;
    statm >> total >> resident;
    return resident * sysconf(_SC_PAGESIZE);
}

constexpr bool sanitized() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return true;
#else
    return false;
#endif
}

TEST(EngineMemoryTest, StaysWithinTwiceTheFileAndShrinksWithTheBudget) {
    if (sanitized())
        GTEST_SKIP() << "A sanitizer's own memory would be measured.";
    const std::int64_t before = residentBytes();
    tests::WatchedEngine watched({.model = tests::bundledModel(), .threads = 2, .settings = {}, .calibration = {}});
    watched.engine.answer(tests::rawRequest("Once upon a time", 150, 1.0F));
    watched.capture.clear();
    const std::int64_t file = watched.engine.facts().fileBytes;
    const std::int64_t kv = std::int64_t{512} * 128 * 2 * 8 * 4;
    const std::int64_t full = residentBytes() - before;
    EXPECT_LE(full, file * 22 / 10 + kv + 50'000'000);
    watched.engine.post("cache-experts", "8");
    watched.engine.answer(tests::rawRequest("Once", 2));
    // 56 experts less; large pages at the edges and the test's own lists blur the figure.
    EXPECT_LE(residentBytes() - before, full - 46 * watched.engine.facts().expertBytes);
}

} // namespace
} // namespace moescope::runtime
