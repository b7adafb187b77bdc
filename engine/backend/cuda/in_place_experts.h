#pragma once
#include "engine/backend/backend.h"
#include "engine/backend/cpu/activations.h"
#include "engine/backend/cpu/thread_pool.h"
#include "engine/backend/cuda/device_memory.h"
#include "engine/backend/cuda/host_experts.h"
#include "engine/backend/cuda/row_input.h"
#include "engine/backend/cuda/stream.h"

#include <array>
#include <atomic>

namespace moescope::backend::cuda {

/// Experts that the processor computes from the host tier, with the bits of the GPU's kernels. What goes in and out lies in
/// memory that the GPU reads and writes: the layer's gate input for the pass's tokens, and an output row for each of their
/// experts. Engine thread, which waits for the pool's.
class InPlaceExperts {
public:
    /// For passes of `rows` tokens. The host tier must outlive it. Two of the threads are left to the mover and to who records.
    InPlaceExperts(const HostExperts& experts, const model::ModelConfig& config, int rows, int threads);

    /// Queues the copy of a layer's gate input, [rows][hidden], to the host; run() may follow when the stream has come to rest.
    void take(const float* inputs, int rows, const Stream& stream);
    /// Computes the expert for these tokens and queues the copy of the outputs into [rows * topK][hidden].
    void run(trace::ExpertKey key, std::span<const ExpertRow> rows, float* outputs, const Stream& stream);

private:
    /// Tokens that go through a matrix together, each row of it read once.
    static constexpr int kTogether = 4;
    void runTogether(trace::ExpertKey key, std::span<const ExpertRow> rows);
    void prepare(const HostExperts::Part& part, const Activations& from, int tokens);
    template <class Job>
    void shareOut(int items, int atOnce, const Job& job);
    void computeInner(trace::ExpertKey key, int unit, int tokens);
    void computeOutput(trace::ExpertKey key, int row, std::span<const ExpertRow> rows);
    std::size_t outputAt(const ExpertRow& row) const;

    const HostExperts& m_experts;
    int m_hidden;
    int m_width;
    int m_topK;
    ThreadPool m_pool;
    PinnedArray<float> m_inputs;
    PinnedArray<float> m_outputs; ///< [rows * topK][hidden]
    Activations m_normed;         ///< [kTogether][hidden]
    Activations m_inner;          ///< [kTogether][width]
    std::array<RowInput, kTogether> m_arranged;
    std::atomic<int> m_next = 0; ///< item that nobody has taken yet
};

} // namespace moescope::backend::cuda
