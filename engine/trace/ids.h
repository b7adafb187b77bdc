#pragma once
// The identities that events speak of. Strong types, so that a layer cannot be passed as an expert.
#include <compare>
#include <cstdint>
#include <functional>

namespace moescope::trace {

/// Nanoseconds since the session's clock began (see clock.h). Signed, so that differences are safe.
using TimeNs = std::int64_t;

template <class Tag>
struct Id {
    std::int32_t value = -1;
    constexpr Id() = default;
    constexpr explicit Id(std::int32_t v) : value(v) {}
    constexpr bool valid() const { return value >= 0; }
    friend constexpr auto operator<=>(const Id&, const Id&) = default;
};

/// Position of a token in the session's stream, counted from 0 over all turns: prompt tokens and generated ones alike.
/// Routing, transfers and spans carry the token that the forward pass *read*; TokenEmitted carries the token it produced.
using TokenIndex = Id<struct TokenTag>;
/// One question and its answer, from 0.
using TurnIndex = Id<struct TurnTag>;
/// Transformer layer, from 0. Invalid (-1) means "no layer".
using Layer = Id<struct LayerTag>;
/// Expert within its layer, from 0.
using Expert = Id<struct ExpertTag>;
/// One request to the mover, from 0 within a run.
using TransferId = Id<struct TransferTag>;
/// A kernel's name, numbered from 0 in the order of first use in a session. See KernelNamed.
using KernelId = Id<struct KernelTag>;

/// Which expert of which layer.
struct ExpertKey {
    Layer layer;
    Expert expert;
    friend constexpr auto operator<=>(const ExpertKey&, const ExpertKey&) = default;
};

constexpr ExpertKey expertKey(int layer, int expert) {
    return {Layer(layer), Expert(expert)};
}

} // namespace moescope::trace

template <>
struct std::hash<moescope::trace::ExpertKey> {
    std::size_t operator()(const moescope::trace::ExpertKey& key) const noexcept {
        return (static_cast<std::size_t>(static_cast<std::uint32_t>(key.layer.value)) << 32) ^
               static_cast<std::uint32_t>(key.expert.value);
    }
};
