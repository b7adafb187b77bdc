#pragma once
#include "engine/backend/cuda/stream.h"

#include <functional>
#include <map>

namespace moescope::backend::cuda {

/// Recorded passes of one token, by what their launches depend on: queueing one again is a single call. Owned by the CUDA
/// backend; engine thread.
class PassGraphs {
public:
    /// Number of attention's chunks, routers asked per layer.
    using Key = std::pair<int, int>;

    PassGraphs() = default;
    ~PassGraphs();
    PassGraphs(const PassGraphs&) = delete;
    PassGraphs& operator=(const PassGraphs&) = delete;

    bool has(Key key) const { return m_graphs.contains(key); }
    /// What is queued on the stream from here on is recorded and not run.
    void record(Key key, const Stream& stream);
    bool recording() const { return m_recording; }
    /// Ends the recording and keeps it; of too many the one with the fewest chunks goes. Nothing may be running.
    void keep(const Stream& stream);
    /// Gives a recording up that something broke off; nothing if there is none.
    void abandon(const Stream& stream) noexcept;
    void run(Key key, const Stream& stream) const;

private:
    std::map<Key, cudaGraphExec_t> m_graphs;
    Key m_key;
    bool m_recording = false;
};

} // namespace moescope::backend::cuda
