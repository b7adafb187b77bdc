#pragma once
#include <algorithm>
#include <cstddef>
#include <memory>
#include <vector>

namespace moescope::analysis {

/// An append-only list in chunks. Copies share the chunks, so a snapshot costs one pointer per kChunk items. One writer
/// appends; a copy sees the items that were there when it was made. Publication of the copy to another thread must
/// synchronise (a queued signal or a mutex does).
template <class T>
class Track {
public:
    static constexpr std::size_t kChunk = 1024;

    std::size_t size() const { return m_size; }
    bool empty() const { return m_size == 0; }
    const T& operator[](std::size_t index) const { return (*m_chunks[index / kChunk])[index % kChunk]; }
    const T& back() const { return (*this)[m_size - 1]; }

    void push(T item) {
        if (m_size == m_chunks.size() * kChunk)
            m_chunks.push_back(std::make_shared<std::vector<T>>(kChunk));
        (*m_chunks[m_size / kChunk])[m_size % kChunk] = std::move(item);
        ++m_size;
    }
    /// Replaces an item. Copies that share the chunk keep the old one (the chunk is copied first).
    void replace(std::size_t index, T item) {
        auto& chunk = m_chunks[index / kChunk];
        if (chunk.use_count() > 1)
            chunk = std::make_shared<std::vector<T>>(*chunk);
        (*chunk)[index % kChunk] = std::move(item);
    }

private:
    std::vector<std::shared_ptr<std::vector<T>>> m_chunks;
    std::size_t m_size = 0;
};

} // namespace moescope::analysis
