#pragma once
// What an ExpertsChosen event carries besides its fixed part.
#include "engine/trace/event.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace moescope::trace {

/// Most experts one token may use at one layer (DeepSeek-V3 uses 8).
inline constexpr int kMaxTopK = 16;

/// Decoded payload. On disk and in rings it is little-endian, without gaps:
/// u16 ids[candidates], f16 weights[candidates], f16 gate[experts], f16 predicted[depths][experts] and, if hasForeseen(),
/// f16 foreseen[experts].
struct RoutingPayload {
    std::vector<std::uint16_t> ids;            ///< candidates, best first; the kept ones come first
    std::vector<float> weights;                ///< top-k weights before dropping, renormalised where the model does so
    std::vector<float> gate;                   ///< softmax over all experts
    std::vector<std::vector<float>> predicted; ///< [depth-1][expert]: softmax of layer+depth's gate on this layer's gate input
    std::vector<float> foreseen;               ///< [expert]: what was foreseen for this layer from the token before; or empty
};

/// Added to ExpertsChosen::predictedDepths when the payload ends with what the extra gate foresaw for this very layer, the
/// first one, from the last activation of the token before.
inline constexpr std::uint8_t kForeseen = 0x80;
constexpr bool hasForeseen(const ExpertsChosen& event) {
    return (event.predictedDepths & kForeseen) != 0;
}
/// How many predictions for the next layers the payload holds.
constexpr int depthsOf(const ExpertsChosen& event) {
    return event.predictedDepths & ~kForeseen & 0xff;
}

/// Bytes that encode() writes for an event with these counts.
std::size_t routingPayloadBytes(const ExpertsChosen& event);

/// Writes the payload into out, which must hold routingPayloadBytes(event). Spans must have the counts the event says;
/// predicted ends with the foreseen row if there is one.
void encodeRouting(const ExpertsChosen& event, std::span<const std::uint16_t> ids, std::span<const float> weights,
                   std::span<const float> gate, std::span<const float> predicted, std::span<std::byte> out);

/// Nothing when the bytes do not have the size that the event's counts ask for.
std::optional<RoutingPayload> decodeRouting(const ExpertsChosen& event, std::span<const std::byte> bytes);

/// IEEE binary16, round to nearest even.
std::uint16_t toHalf(float value);
float fromHalf(std::uint16_t bits);

} // namespace moescope::trace
