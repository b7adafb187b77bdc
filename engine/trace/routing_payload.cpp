#include "engine/trace/routing_payload.h"

#include <bit>
#include <cstring>

namespace moescope::trace {
namespace {

std::byte* put(std::byte* at, std::uint16_t value) {
    std::memcpy(at, &value, sizeof value);
    return at + sizeof value;
}

std::byte* putHalves(std::byte* at, std::span<const float> values) {
    for (float value : values)
        at = put(at, toHalf(value));
    return at;
}

class Cursor {
public:
    explicit Cursor(std::span<const std::byte> bytes) : m_bytes(bytes) {}
    std::uint16_t u16() {
        std::uint16_t value = 0;
        std::memcpy(&value, m_bytes.data() + m_at, sizeof value);
        m_at += sizeof value;
        return value;
    }
    std::vector<float> halves(std::size_t count) {
        std::vector<float> values(count);
        for (float& value : values)
            value = fromHalf(u16());
        return values;
    }

private:
    std::span<const std::byte> m_bytes;
    std::size_t m_at = 0;
};

} // namespace

static_assert(std::endian::native == std::endian::little, "payloads are little-endian on disk");

std::size_t routingPayloadBytes(const ExpertsChosen& event) {
    const std::size_t rows = 1 + static_cast<std::size_t>(depthsOf(event)) + (hasForeseen(event) ? 1 : 0);
    return 2 * (2 * std::size_t{event.candidates} + std::size_t{event.experts} * rows);
}

void encodeRouting(const ExpertsChosen&, std::span<const std::uint16_t> ids, std::span<const float> weights,
                   std::span<const float> gate, std::span<const float> predicted, std::span<std::byte> out) {
    std::byte* at = out.data();
    for (std::uint16_t id : ids)
        at = put(at, id);
    at = putHalves(at, weights);
    at = putHalves(at, gate);
    putHalves(at, predicted);
}

std::optional<RoutingPayload> decodeRouting(const ExpertsChosen& event, std::span<const std::byte> bytes) {
    if (bytes.size() != routingPayloadBytes(event) || event.kept > event.candidates)
        return std::nullopt;
    Cursor cursor(bytes);
    RoutingPayload payload;
    payload.ids.resize(event.candidates);
    for (auto& id : payload.ids)
        id = cursor.u16();
    payload.weights = cursor.halves(event.candidates);
    payload.gate = cursor.halves(event.experts);
    for (int depth = 0; depth < depthsOf(event); ++depth)
        payload.predicted.push_back(cursor.halves(event.experts));
    if (hasForeseen(event))
        payload.foreseen = cursor.halves(event.experts);
    return payload;
}

std::uint16_t toHalf(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000u);
    const std::uint32_t magnitude = bits & 0x7fffffffu;
    if (magnitude >= 0x7f800000u)
        return static_cast<std::uint16_t>(sign | 0x7c00u | (magnitude > 0x7f800000u ? 0x200u : 0u));
    if (magnitude >= 0x477ff000u)
        return static_cast<std::uint16_t>(sign | 0x7c00u);
    if (magnitude < 0x38800000u) {
        // Adding one half makes the float unit round the subnormal's bits for us.
        const float rounded = std::bit_cast<float>(magnitude) + 0.5F;
        return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(rounded) - 0x3f000000u));
    }
    const std::uint32_t odd = (magnitude >> 13) & 1u;
    return static_cast<std::uint16_t>(sign | ((magnitude - 0x38000000u + 0xfffu + odd) >> 13));
}

float fromHalf(std::uint16_t bits) {
    const std::uint32_t sign = (bits & 0x8000u) << 16;
    const std::uint32_t exponent = (bits >> 10) & 0x1fu;
    const std::uint32_t mantissa = bits & 0x3ffu;
    if (exponent == 0) {
        const float value = static_cast<float>(mantissa) * 0x1p-24F;
        return sign ? -value : value;
    }
    if (exponent == 31)
        return std::bit_cast<float>(sign | 0x7f800000u | (mantissa << 13));
    return std::bit_cast<float>(sign | ((exponent + 112u) << 23) | (mantissa << 13));
}

} // namespace moescope::trace
