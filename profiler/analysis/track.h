#pragma once
#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace moescope::analysis {

/// An append-only list in chunks. Copies share the chunks, so a snapshot costs one pointer per kChunk items. One writer
/// appends; a copy sees the items that were there when it was made. Publication of the copy to another thread must
/// synchronise (a queued signal or a mutex does), and the writer calls markShared() after making it, so that no later edit
/// touches what the copy shows.
template <class T>
class Track {
public:
    static constexpr std::size_t kChunk = 1024;

    std::size_t size() const { return m_size; }
    bool empty() const { return m_size == 0; }
    const T& operator[](std::size_t index) const { return (*m_chunks[index / kChunk])[index % kChunk]; }
    const T& back() const { return (*this)[m_size - 1]; }

    void push(T item) {
        if (m_size == m_chunks.size() * kChunk) {
            m_chunks.push_back(std::make_shared<std::vector<T>>(kChunk));
            m_shared.push_back(false);
        }
        (*m_chunks[m_size / kChunk])[m_size % kChunk] = std::move(item);
        ++m_size;
    }
    /// The item, to be changed in place. Copies made before the last markShared() keep the old one (its chunk is copied first).
    T& edit(std::size_t index) {
        const std::size_t at = index / kChunk;
        if (m_shared[at]) {
            m_chunks[at] = std::make_shared<std::vector<T>>(*m_chunks[at]);
            m_shared[at] = false;
        }
        return (*m_chunks[at])[index % kChunk];
    }
    void replace(std::size_t index, T item) { edit(index) = std::move(item); }
    /// A copy of this list now exists elsewhere: edits leave the present chunks alone from here on.
    void markShared() { std::fill(m_shared.begin(), m_shared.end(), true); }
    /// A copy that may grow on its own: its unfinished chunk is no longer the original's.
    Track fork() const {
        Track copy = *this;
        copy.markShared();
        if (m_size % kChunk != 0) {
            copy.m_chunks.back() = std::make_shared<std::vector<T>>(*m_chunks.back());
            copy.m_shared.back() = false;
        }
        return copy;
    }

private:
    std::vector<std::shared_ptr<std::vector<T>>> m_chunks;
    std::vector<bool> m_shared; ///< by chunk: a copy may show it
    std::size_t m_size = 0;
};

} // namespace moescope::analysis
