#include "profiler/session/residency.h"

namespace moescope::session {
namespace {

constexpr std::uint8_t kAbsent = 0;
constexpr std::uint8_t kLoading = 1;
constexpr std::uint8_t kResident = 2;

struct Change {
    trace::ExpertKey key;
    std::uint8_t state = kAbsent;
};

struct ChangeOf {
    std::optional<Change> operator()(const trace::ExpertHit& e) const { return Change{e.key, kResident}; }
    std::optional<Change> operator()(const trace::ExpertMissed& e) const { return Change{e.key, kLoading}; }
    std::optional<Change> operator()(const trace::ExpertEvicted& e) const { return Change{e.key, kAbsent}; }
    std::optional<Change> operator()(const trace::PrefetchIssued& e) const { return Change{e.key, kLoading}; }
    std::optional<Change> operator()(const trace::TransferSpan& e) const {
        return Change{e.key, e.outcome == trace::TransferOutcome::Completed ? kResident : kAbsent};
    }
    std::optional<Change> operator()(const trace::InPlaceSpan& e) const { return Change{e.key, kAbsent}; }
    std::optional<Change> operator()(const auto&) const { return std::nullopt; }
};

} // namespace

ResidencyGrid emptyResidency(int layers, int experts) {
    ResidencyGrid grid;
    grid.layers = layers;
    grid.experts = experts;
    grid.state.assign(static_cast<std::size_t>(layers) * static_cast<std::size_t>(experts), kAbsent);
    return grid;
}

void foldResidency(ResidencyGrid& grid, const trace::Event& event) {
    const std::optional<Change> change = std::visit(ChangeOf{}, event);
    if (!change)
        return;
    const int layer = change->key.layer.value;
    const int expert = change->key.expert.value;
    if (layer >= 0 && layer < grid.layers && expert >= 0 && expert < grid.experts)
        grid.state[static_cast<std::size_t>(layer) * static_cast<std::size_t>(grid.experts) +
                   static_cast<std::size_t>(expert)] = change->state;
}

std::vector<std::byte> packResidency(const ResidencyGrid& grid) {
    std::vector<std::byte> packed((grid.state.size() + 3) / 4);
    for (std::size_t cell = 0; cell < grid.state.size(); ++cell)
        packed[cell / 4] |= std::byte(grid.state[cell] << (2 * (cell % 4)));
    return packed;
}

std::optional<std::vector<std::uint8_t>> unpackResidency(std::span<const std::byte> bytes, std::size_t cells) {
    if (bytes.size() != (cells + 3) / 4)
        return std::nullopt;
    std::vector<std::uint8_t> state(cells);
    for (std::size_t cell = 0; cell < cells; ++cell) {
        state[cell] = static_cast<std::uint8_t>((std::to_integer<unsigned>(bytes[cell / 4]) >> (2 * (cell % 4))) & 3u);
        if (state[cell] > kResident)
            return std::nullopt;
    }
    return state;
}

} // namespace moescope::session
