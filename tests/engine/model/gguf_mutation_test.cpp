// Broken files must end in a sentence, never in a crash. The fuzz target searches the same ground with coverage; this test
// walks a fixed path through it on every machine.
#include "tests/support/gguf_exercise.h"
#include "tests/support/tiny_model.h"

#include <gtest/gtest.h>

#include <array>

namespace moescope::tests {
namespace {

/// Copies into an allocation of exactly that size, so that a sanitizer sees a read past the end.
int exercise(std::span<const std::byte> bytes) {
    return exerciseGguf(std::vector<std::byte>(bytes.begin(), bytes.end()));
}

/// The least that is still a model: few tensors, so that most bytes are header.
std::vector<std::byte> smallModel() {
    TinyModelShape shape;
    shape.layers = 1;
    shape.expertWidth = 32;
    shape.experts = 2;
    return tinyModel(shape).bytes();
}

std::size_t headerBytes(std::span<const std::byte> file) {
    const auto* const data = model::GgufFile(file, "small.gguf").tensors().front().data;
    return static_cast<std::size_t>(data - file.data());
}

TEST(GgufMutation, TruncatedAtEveryLengthIsRefused) {
    const auto file = smallModel();
    ASSERT_EQ(exercise(file), 2);
    const std::size_t header = headerBytes(file);
    // Cut in the data, each length fails at the same check; there a sample of lengths is enough.
    for (std::size_t length = 0; length < file.size(); length += length < header + 64 ? 1 : 97)
        ASSERT_EQ(exercise(std::span(file).first(length)), 0) << length;
}

TEST(GgufMutation, FlippedBitsNeverCrash) {
    const auto original = smallModel();
    const std::size_t header = headerBytes(original);
    std::mt19937_64 random(20240601);
    std::array<int, 3> outcomes{};
    for (int round = 0; round < 12000; ++round) {
        auto file = original;
        const std::uint64_t flips = 1 + random() % 4;
        for (std::uint64_t i = 0; i < flips; ++i)
            file[random() % header] ^= static_cast<std::byte>(1U << (random() % 8));
        ++outcomes[static_cast<std::size_t>(exerciseGguf(file))];
    }
    EXPECT_GT(outcomes[0], 1000);
    EXPECT_GT(outcomes[2], 100);
}

TEST(GgufMutation, HostileNumbersNeverCrash) {
    const auto original = smallModel();
    const std::size_t header = headerBytes(original);
    constexpr std::array<std::uint64_t, 12> kHostile{0,
                                                     1,
                                                     0x7F,
                                                     0xFF,
                                                     0x7FFFFFFF,
                                                     0xFFFFFFFF,
                                                     0x100000000,
                                                     0x7FFFFFFFFFFFFFFF,
                                                     0x8000000000000000,
                                                     ~std::uint64_t{0},
                                                     0x2000000000000000,
                                                     ~std::uint64_t{0} - 31};
    std::mt19937_64 random(77);
    std::array<int, 3> outcomes{};
    for (int round = 0; round < 12000; ++round) {
        auto file = original;
        const std::uint64_t value = kHostile[random() % kHostile.size()];
        const std::size_t width = std::size_t{1} << (random() % 4);
        std::memcpy(file.data() + random() % (header - 8), &value, width);
        ++outcomes[static_cast<std::size_t>(exerciseGguf(file))];
    }
    EXPECT_GT(outcomes[0], 1000);
    EXPECT_GT(outcomes[2], 100);
}

TEST(GgufMutation, PiecesSwappedAndRemovedNeverCrash) {
    const auto original = smallModel();
    const std::size_t header = headerBytes(original);
    std::mt19937_64 random(99);
    for (int round = 0; round < 3000; ++round) {
        auto file = original;
        const auto at = static_cast<std::ptrdiff_t>(random() % header);
        const auto length = static_cast<std::ptrdiff_t>(1 + random() % 64);
        if (round % 2)
            file.erase(file.begin() + at, file.begin() + at + length);
        else
            std::copy_n(original.begin() + static_cast<std::ptrdiff_t>(random() % header), length, file.begin() + at);
        exercise(file);
    }
}

} // namespace
} // namespace moescope::tests
