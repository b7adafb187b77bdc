#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace moescope::gpu {

/// The memory that CUPTI writes records into: a fixed number of buffers, lent on the threads that launch work and given back
/// full on whichever thread CUPTI likes. Small, so that records come soon; never more of them, so that a slow reader costs
/// records and not memory. Thread-safe, and holds no lock while anything of CUPTI runs.
class CuptiBuffers {
public:
    struct Full {
        std::uint8_t* buffer = nullptr;
        std::size_t bytes = 0; ///< written
    };
    static constexpr std::size_t kBufferBytes = 256u << 10;

    explicit CuptiBuffers(std::size_t count);

    /// Null when all are out: CUPTI then drops records, and counts them.
    std::uint8_t* lend() noexcept;
    void giveBack(std::uint8_t* buffer, std::size_t bytes) noexcept;
    std::vector<Full> takeFull();
    void recycle(std::uint8_t* buffer);
    /// Since the last call: how often there was none to lend.
    std::int64_t takeRefused();

private:
    static constexpr std::size_t kAlignment = 64;
    struct alignas(kAlignment) Buffer {
        std::uint8_t bytes[kBufferBytes];
    };
    std::unique_ptr<Buffer[]> m_memory;
    std::mutex m_mutex;
    std::vector<std::uint8_t*> m_free;
    std::vector<Full> m_full;
    std::int64_t m_refused = 0;
};

} // namespace moescope::gpu
