#pragma once
// Weights on their way to a warp: a ring of stages in shared memory that asynchronous copies fill, so that enough bytes are
// under way whatever the warp computes, and begin to move before its input is known. The products are row_dots.cuh's.
#include "engine/backend/cuda/launch.cuh"
#include "engine/backend/cuda/row_dots.cuh"

namespace moescope::backend::cuda {

/// Rows that a warp takes together: `near` of them from first on, the rest from first + far on.
struct RowSet {
    const std::byte* first = nullptr;
    int rows = 0;  ///< that exist from first on; what is asked beyond them repeats the last
    int input = 0; ///< row of the activations
};

/// A tile's matrix, in the slot that was chosen for it if one was.
__device__ inline const std::byte* matrixOf(const TileCall<1>& call, int tile, const std::int32_t* chosen) {
    return call.tile[tile].matrix + (chosen == nullptr ? 0 : call.slotBytes * chosen[tile]);
}

__device__ inline void copyAsync(std::byte* shared, const std::byte* global) {
    const auto to = static_cast<unsigned>(__cvta_generic_to_shared(shared));
    asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16;" ::"r"(to), "l"(global) : "memory");
}

/// One warp's ring. Stage = 32 chunks of 16 bytes of each row of a set, and their scales.
template <model::TensorType Type, int Rows, int Near, int Stages>
class RowRing {
    using Part = Chunk<Type>;
    static constexpr int kChunkBytes = 16;
    static constexpr int kQuants = 32 * kChunkBytes;
    static constexpr int kScales = 32 * Part::kScaleBytes;
    static constexpr int kStageBytes = Rows * (kQuants + kScales);

public:
    static constexpr int kBytes = Stages * kStageBytes;

    __device__ RowRing(std::byte* memory, int columns, std::size_t rowBytes, std::size_t far)
        : m_memory(memory), m_columns(columns), m_rowBytes(rowBytes), m_far(far) {}

    /// Takes the products of sets first, first + stride, ... with x, and calls finish(set, sums) in every lane. setAt(set)
    /// says where a set's rows lie. known: they are known already, so that the first ones come while earlier kernels run.
    template <class SetAt, class Finish>
    __device__ void run(int first, int sets, int stride, bool known, const ActivationView& x, const SetAt& setAt,
                        const Finish& finish) {
        if (!known)
            awaitEarlier();
        begin(first, sets, stride, setAt);
        if (known)
            awaitEarlier();
        const int chunks = x.columns / Part::kColumns;
        for (int set = first; set < sets; set += stride) {
            const int input = setAt(set).input;
            float sums[Rows] = {};
            for (int chunk = lane(); chunk - lane() < chunks; chunk += 32) {
                const std::byte* stage = next(setAt);
                if (chunk >= chunks)
                    continue;
                const typename Part::Input in = Part::input(x, input, chunk);
#pragma unroll
                for (int row = 0; row < Rows; ++row)
                    sums[row] = Part::add(Part::copied(stage + row * kQuants, stage + Rows * kQuants + row * kScales, lane()),
                                          in, sums[row]);
            }
#pragma unroll
            for (int row = 0; row < Rows; ++row)
                sums[row] = joinLanes(sums[row]);
            finish(set, sums);
        }
    }

private:
    __device__ static int lane() {
        return static_cast<int>(threadIdx.x) % 32;
    }
    __device__ const std::byte* rowAt(int row) const {
        const int near = min(row % Near, m_ahead.rows - 1);
        return m_ahead.first + (Near < Rows && row >= Near ? m_far : 0) + m_rowBytes * near;
    }
    template <class SetAt>
    __device__ void begin(int first, int sets, int stride, const SetAt& setAt) {
        m_sets = sets;
        m_stride = stride;
        m_aheadSet = first;
        if (first < sets)
            m_ahead = setAt(first);
        for (int i = 0; i < Stages - 1; ++i)
            fetch(setAt);
    }
    /// Waits for the oldest stage, which stays until the next call; the one before it goes on its way again.
    template <class SetAt>
    __device__ const std::byte* next(const SetAt& setAt) {
        asm volatile("cp.async.wait_group %0;" ::"n"(Stages - 2) : "memory");
        __syncwarp();
        fetch(setAt);
        const std::byte* stage = m_memory + m_used * kStageBytes;
        m_used = m_used + 1 == Stages ? 0 : m_used + 1;
        return stage;
    }
    /// Lets one more stage go on its way; an empty one when there is nothing left.
    template <class SetAt>
    __device__ void fetch(const SetAt& setAt) {
        const int quants = m_columns / Part::kColumns * kChunkBytes;
        if (m_aheadSet < m_sets) {
            std::byte* stage = m_memory + m_fetched * kStageBytes;
            const int at = m_aheadStep * kQuants + lane() * kChunkBytes;
            if (at < quants)
#pragma unroll
                for (int row = 0; row < Rows; ++row)
                    copyAsync(stage + row * kQuants + lane() * kChunkBytes, rowAt(row) + at);
            if constexpr (kScales > 0)
                fetchScales(stage + Rows * kQuants, quants);
            ++m_aheadStep;
            if (m_aheadStep * kQuants >= quants) {
                m_aheadStep = 0;
                m_aheadSet += m_stride;
                if (m_aheadSet < m_sets)
                    m_ahead = setAt(m_aheadSet);
            }
        }
        m_fetched = m_fetched + 1 == Stages ? 0 : m_fetched + 1;
        asm volatile("cp.async.commit_group;" ::: "memory");
    }

    __device__ void fetchScales(std::byte* scales, int quants) {
        constexpr int kLanes = kScales / kChunkBytes;
        const int row = lane() / kLanes;
        const int within = lane() % kLanes * kChunkBytes;
        const std::size_t at = static_cast<std::size_t>(quants) + m_aheadStep * kScales + within;
        if (row < Rows && at < m_rowBytes)
            copyAsync(scales + row * kScales + within, rowAt(row) + at);
    }

    std::byte* m_memory;
    int m_columns;
    std::size_t m_rowBytes;
    std::size_t m_far;
    int m_sets = 0;
    int m_stride = 0;
    int m_aheadSet = 0;
    int m_aheadStep = 0;
    RowSet m_ahead;
    int m_fetched = 0;
    int m_used = 0;
};

} // namespace moescope::backend::cuda
