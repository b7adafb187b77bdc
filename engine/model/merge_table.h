#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace moescope::model {

/// Which pairs of symbols merge, how early, and into what: a hash table with open addressing, for it is asked several times
/// per byte of a text. Owned by a tokenizer; read-only once filled.
class MergeTable {
public:
    using Symbol = std::uint32_t;
    struct Merge {
        std::uint32_t rank = 0;
        Symbol joined = 0;
    };

    /// Makes room for that many merges; before the first add().
    void reserve(std::size_t merges);
    /// The first of two merges of the same pair stays.
    void add(Symbol left, Symbol right, Merge merge);
    /// Nothing if the pair does not merge.
    const Merge* find(Symbol left, Symbol right) const;

private:
    struct Entry {
        std::uint64_t key = kFree;
        Merge merge;
    };
    static constexpr std::uint64_t kFree = ~std::uint64_t{0};
    static std::uint64_t keyOf(Symbol left, Symbol right) { return std::uint64_t{left} << 32 | right; }
    std::size_t placeOf(std::uint64_t key) const;

    std::vector<Entry> m_entries; ///< a power of two of them, at most half in use
};

} // namespace moescope::model
