#pragma once
#include "engine/backend/cpu/memory_region.h"
#include "engine/backend/cpu/weight_layout.h"
#include "engine/model/model_config.h"
#include "engine/trace/ids.h"

#include <array>
#include <vector>

namespace moescope::backend {

/// The fast tier: slots of packed expert weights, and the way from the mapped file into them. A slot holds gate, up and down
/// one after the other. Owned by the CPU backend. load() runs on the mover's thread, everything else on the engine's; the
/// cache sees to it that both never touch the same slot.
class ExpertSlots {
public:
    /// The file must outlive the slots.
    ExpertSlots(const model::GgufFile& file, const model::ModelConfig& config);

    std::int64_t expertBytes(trace::ExpertKey key) const; ///< as stored in the file: what crosses the link
    int blocks(int layer) const;
    /// Copies one block of about 48 KiB; returns the file bytes moved.
    std::int64_t load(trace::ExpertKey key, int slot, int block);

    void reserve(int count);
    void freeSlot(int slot);
    int count() const { return m_count; }
    std::int64_t slotBytes() const { return static_cast<std::int64_t>(m_slotBytes); }

    static constexpr std::size_t kGate = 0;
    static constexpr std::size_t kUp = 1;
    static constexpr std::size_t kDown = 2;
    /// One of the three matrices in a slot.
    PackedMatrix matrix(int layer, int slot, std::size_t part) const;

    /// The same of an expert that has no slot, packed at out (mostGroupBytes()) group by group: pack() one, then any index of
    /// the matrix is that one. Any thread.
    PackedMatrix scratch(int layer, std::size_t part, const std::byte* out) const;
    void pack(trace::ExpertKey key, std::size_t part, int group, std::byte* out) const;
    std::size_t mostGroupBytes() const { return m_mostGroupBytes; } ///< of any part

private:
    /// One of an expert's three matrices: where it comes from and where it goes within a slot.
    struct Part {
        const model::TensorView* tensor = nullptr; ///< all experts of the layer
        int rows = 0;
        int columns = 0;
        std::size_t group = 0;  ///< bytes of a packed group
        std::size_t offset = 0; ///< within the slot
        int groups() const { return (rows + kGroupRows - 1) / kGroupRows; }
    };
    struct LayerLayout {
        std::array<Part, 3> parts;
        int groups = 0; ///< of all parts
        int blocks = 1;
        std::size_t bytes = 0;
    };

    static LayerLayout layoutOf(const model::GgufFile& file, const model::ModelConfig& config, int layer);
    std::size_t slotOffset(int slot) const { return static_cast<std::size_t>(slot) * m_slotBytes; }
    const LayerLayout& layout(int layer) const { return m_layers[static_cast<std::size_t>(layer)]; }

    std::vector<LayerLayout> m_layers;
    std::size_t m_slotBytes = 0;
    std::size_t m_mostGroupBytes = 0;
    int m_count = 0;
    MemoryRegion m_region; ///< room for every expert; pages appear as slots are loaded
};

} // namespace moescope::backend
