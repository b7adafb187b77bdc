// Broken vocabularies and texts must end in a sentence, never in a crash; the fuzz target searches the same ground.
#include "tests/support/tokenizer_seeds.h"

#include <gtest/gtest.h>

namespace moescope::tests {
namespace {

TEST(TokenizerMutation, ChangedBytesNeverCrash) {
    std::mt19937_64 random(20250101);
    for (const auto& [name, sound] : tokenizerSeeds()) {
        exerciseTokenizer(sound);
        for (int round = 0; round < 300; ++round) {
            std::string input = sound;
            for (std::uint64_t i = 1 + random() % 4; i > 0; --i)
                input[random() % input.size()] = static_cast<char>(random() % 2 ? random() % 256 : random() % 3);
            exerciseTokenizer(input);
        }
    }
}

} // namespace
} // namespace moescope::tests
