#include "engine/model/merge_table.h"

#include <bit>

namespace moescope::model {

void MergeTable::reserve(std::size_t merges) {
    m_entries.assign(std::bit_ceil(2 * merges + 2), {});
}

std::size_t MergeTable::placeOf(std::uint64_t key) const {
    const std::size_t mask = m_entries.size() - 1;
    // Fibonacci hashing: the upper bits of the product depend on every bit of the key.
    std::size_t place = static_cast<std::size_t>((key * 0x9E3779B97F4A7C15U) >> 24) & mask;
    while (m_entries[place].key != kFree && m_entries[place].key != key)
        place = (place + 1) & mask;
    return place;
}

void MergeTable::add(Symbol left, Symbol right, Merge merge) {
    Entry& entry = m_entries[placeOf(keyOf(left, right))];
    if (entry.key == kFree)
        entry = {keyOf(left, right), merge};
}

const MergeTable::Merge* MergeTable::find(Symbol left, Symbol right) const {
    const Entry& entry = m_entries[placeOf(keyOf(left, right))];
    return entry.key == kFree ? nullptr : &entry.merge;
}

} // namespace moescope::model
