#include "engine/trace/routing_payload.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <random>

namespace moescope::trace {
namespace {

/// binary16 by its definition, in double.
double halfByDefinition(std::uint16_t bits) {
    const int exponent = (bits >> 10) & 31;
    const int mantissa = bits & 1023;
    const double magnitude = exponent == 31  ? (mantissa ? std::nan("") : std::numeric_limits<double>::infinity())
                             : exponent == 0 ? std::ldexp(mantissa, -24)
                                             : std::ldexp(1024 + mantissa, exponent - 25);
    return bits & 0x8000 ? -magnitude : magnitude;
}

TEST(Half, DecodesEveryPatternExactly) {
    for (std::uint32_t bits = 0; bits < 65536; ++bits) {
        const auto half = static_cast<std::uint16_t>(bits);
        const double expected = halfByDefinition(half);
        const auto got = static_cast<double>(fromHalf(half));
        if (std::isnan(expected)) {
            ASSERT_TRUE(std::isnan(got)) << bits;
            continue;
        }
        ASSERT_EQ(got, expected) << bits;
        ASSERT_EQ(std::signbit(got), std::signbit(expected)) << bits;
        ASSERT_EQ(toHalf(fromHalf(half)), half) << bits;
    }
}

TEST(Half, KeepsNotANumber) {
    for (const float nan : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::quiet_NaN()})
        EXPECT_TRUE(std::isnan(halfByDefinition(toHalf(nan))));
}

/// Of the finite halves nearest to value, the one with an even last bit; found by search, not by arithmetic on bits.
std::uint16_t nearestByDefinition(float value) {
    const double magnitude = std::abs(static_cast<double>(value));
    const std::uint16_t sign = std::signbit(value) ? 0x8000 : 0;
    // Halfway between the largest half and the next power of two the rounding goes to infinity.
    if (magnitude >= 65520.0)
        return sign | 0x7C00;
    std::uint16_t low = 0;
    std::uint16_t high = 0x7BFF;
    while (high - low > 1) {
        const auto middle = static_cast<std::uint16_t>((low + high) / 2);
        (halfByDefinition(middle) <= magnitude ? low : high) = middle;
    }
    const double below = magnitude - halfByDefinition(low);
    const double above = halfByDefinition(high) - magnitude;
    const bool up = above < below || (above == below && high % 2 == 0);
    return static_cast<std::uint16_t>(sign | (up ? high : low));
}

TEST(Half, RoundsToNearestEven) {
    // Around every half: itself, the halfway point to the next, and their neighbours in float.
    for (std::uint16_t half = 0; half < 0x7BFF; ++half) {
        const auto here = static_cast<float>(halfByDefinition(half));
        const auto next = static_cast<float>(halfByDefinition(static_cast<std::uint16_t>(half + 1)));
        const float middle = here + (next - here) / 2;
        for (const float value : {here, middle, std::nextafter(middle, 0.0F), std::nextafter(middle, 1e6F)})
            ASSERT_EQ(toHalf(value), nearestByDefinition(value)) << value;
    }
    for (const float value : {65504.0F, 65519.99F, 65520.0F, 1e30F, 0x1p-25F, std::nextafter(0x1p-25F, 1.0F), 1e-40F, 0.0F})
        for (const float sign : {1.0F, -1.0F})
            ASSERT_EQ(toHalf(sign * value), nearestByDefinition(sign * value)) << sign * value;
    EXPECT_EQ(toHalf(std::numeric_limits<float>::infinity()), 0x7C00);
    EXPECT_EQ(toHalf(-std::numeric_limits<float>::infinity()), 0xFC00);
    std::mt19937 random(3);
    for (int i = 0; i < 100000; ++i) {
        const auto value = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
        if (std::isnan(value))
            continue;
        ASSERT_EQ(toHalf(value), nearestByDefinition(value)) << value;
    }
}

ExpertsChosen chosen(int candidates, int kept, int experts, int depths) {
    ExpertsChosen event;
    event.candidates = static_cast<std::uint8_t>(candidates);
    event.kept = static_cast<std::uint8_t>(kept);
    event.experts = static_cast<std::uint16_t>(experts);
    event.predictedDepths = static_cast<std::uint8_t>(depths);
    return event;
}

TEST(RoutingPayload, ComesBackAsItWasWritten) {
    std::mt19937 random(5);
    const auto probability = [&] { return fromHalf(static_cast<std::uint16_t>(random() % 0x3C01)); };
    for (const auto& [candidates, kept, experts, depths] :
         {std::array{2, 1, 8, 1}, std::array{8, 8, 256, 3}, std::array{1, 0, 1, 0}, std::array{0, 0, 0, 0},
          std::array{16, 5, 1024, 2}}) {
        const ExpertsChosen event = chosen(candidates, kept, experts, depths);
        std::vector<std::uint16_t> ids(static_cast<std::size_t>(candidates));
        std::vector<float> weights(ids.size());
        std::vector<float> gate(static_cast<std::size_t>(experts));
        std::vector<float> predicted(gate.size() * static_cast<std::size_t>(depths));
        std::generate(ids.begin(), ids.end(), [&] { return static_cast<std::uint16_t>(random()); });
        for (auto* values : {&weights, &gate, &predicted})
            std::generate(values->begin(), values->end(), probability);
        std::vector<std::byte> bytes(routingPayloadBytes(event));
        EXPECT_EQ(bytes.size(), 2 * (ids.size() + weights.size() + gate.size() + predicted.size()));
        encodeRouting(event, ids, weights, gate, predicted, bytes);

        const auto payload = decodeRouting(event, bytes);
        ASSERT_TRUE(payload);
        EXPECT_EQ(payload->ids, ids);
        EXPECT_EQ(payload->weights, weights);
        EXPECT_EQ(payload->gate, gate);
        ASSERT_EQ(payload->predicted.size(), static_cast<std::size_t>(depths));
        std::vector<float> joined;
        for (const auto& layer : payload->predicted)
            joined.insert(joined.end(), layer.begin(), layer.end());
        EXPECT_EQ(joined, predicted);
    }
}

TEST(RoutingPayload, HasTheLayoutOnDiskThatTheHeaderDescribes) {
    const ExpertsChosen event = chosen(2, 1, 2, 1);
    std::vector<std::byte> bytes(routingPayloadBytes(event));
    encodeRouting(event, std::array<std::uint16_t, 2>{0x0102, 7}, std::array{1.0F, 0.5F}, std::array{0.25F, 0.0F},
                  std::array{2.0F, -1.0F}, bytes);
    const std::vector<int> expected{0x02, 0x01, 7, 0, 0x00, 0x3C, 0x00, 0x38, 0x00, 0x34, 0, 0, 0x00, 0x40, 0x00, 0xBC};
    ASSERT_EQ(bytes.size(), expected.size());
    for (std::size_t i = 0; i < bytes.size(); ++i)
        EXPECT_EQ(std::to_integer<int>(bytes[i]), expected[i]) << i;
}

TEST(RoutingPayload, RefusesTheWrongSizeAndImpossibleCounts) {
    const ExpertsChosen event = chosen(2, 2, 8, 1);
    const std::vector<std::byte> bytes(routingPayloadBytes(event) + 2);
    EXPECT_TRUE(decodeRouting(event, std::span(bytes).first(bytes.size() - 2)));
    for (const std::size_t size : {std::size_t{0}, bytes.size() - 4, bytes.size() - 3, bytes.size() - 1, bytes.size()})
        EXPECT_FALSE(decodeRouting(event, std::span(bytes).first(size))) << size;
    const ExpertsChosen impossible = chosen(2, 3, 8, 1);
    EXPECT_FALSE(decodeRouting(impossible, std::span(bytes).first(routingPayloadBytes(impossible))));
}

TEST(RoutingPayload, MayEndWithWhatWasForeseenForTheLayer) {
    ExpertsChosen event = chosen(1, 1, 2, 1);
    event.predictedDepths |= kForeseen;
    EXPECT_TRUE(hasForeseen(event));
    EXPECT_EQ(depthsOf(event), 1);
    std::vector<std::byte> bytes(routingPayloadBytes(event));
    EXPECT_EQ(bytes.size(), 2U * (2 + 3 * 2));
    encodeRouting(event, std::array<std::uint16_t, 1>{1}, std::array{1.0F}, std::array{0.25F, 0.75F},
                  std::array{0.5F, 0.5F, 0.125F, 0.875F}, bytes);
    const auto read = decodeRouting(event, bytes);
    ASSERT_TRUE(read);
    ASSERT_EQ(read->predicted.size(), 1U);
    EXPECT_EQ(read->predicted[0], (std::vector<float>{0.5F, 0.5F}));
    EXPECT_EQ(read->foreseen, (std::vector<float>{0.125F, 0.875F}));
    event.predictedDepths = 1;
    EXPECT_FALSE(decodeRouting(event, bytes)) << "one row too many";
}

} // namespace
} // namespace moescope::trace
