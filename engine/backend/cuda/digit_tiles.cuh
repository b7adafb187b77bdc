#pragma once
// Products of quantised weights with many tokens on tensor cores, to the bits of row_dots.cuh: an instruction multiplies the
// digits of one chunk exactly, and the chunks' floats are added in the order and the tree of a warp's lanes there.
#include "engine/backend/cuda/launch.cuh"
#include "engine/backend/cuda/row_dots.cuh"

namespace moescope::backend::cuda {

/// One chunk of 16 weight rows and 8 tokens as operands of a tensor core. Lane l holds rows l / 4 and l / 4 + 8, and of the
/// result tokens l % 4 * 2 and the next.
template <model::TensorType Type>
struct Fragment;

template <>
struct Fragment<model::TensorType::Q4_0> {
    static constexpr int kPlanes = 4;        ///< of digits that a chunk of a token has
    static constexpr int kBlocksPerPair = 2; ///< scales of two neighbouring chunks
    unsigned weights[4];
    __device__ void load(unsigned upper, unsigned lower) {
        constexpr unsigned kLow = 0x0F0F0F0FU;
        weights[0] = upper & kLow;
        weights[1] = lower & kLow;
        weights[2] = upper >> 4U & kLow;
        weights[3] = lower >> 4U & kLow;
    }
    static __device__ int correction(const BlockScale& block) { return -8 * block.sum; }
    /// dots = weights . digits, of plane `plane` and the next, plus a number for each of the two tokens.
    __device__ void multiply(int (&dots)[4], const unsigned* const (&planes)[kPlanes], int plane, int first, int second) const {
        asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%10,%11,%10,%11};"
            : "=r"(dots[0]), "=r"(dots[1]), "=r"(dots[2]), "=r"(dots[3])
            : "r"(weights[0]), "r"(weights[1]), "r"(weights[2]), "r"(weights[3]), "r"(*planes[plane]), "r"(*planes[plane + 1]),
              "r"(first), "r"(second));
    }
};

template <>
struct Fragment<model::TensorType::Q8_0> {
    static constexpr int kPlanes = 2;
    static constexpr int kBlocksPerPair = 1;
    unsigned weights[2];
    __device__ void load(unsigned upper, unsigned lower) {
        weights[0] = upper;
        weights[1] = lower;
    }
    static __device__ int correction(const BlockScale&) { return 0; }
    __device__ void multiply(int (&dots)[4], const unsigned* const (&planes)[kPlanes], int plane, int first, int second) const {
        asm("mma.sync.aligned.m16n8k16.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5}, {%6}, {%7,%8,%7,%8};"
            : "=r"(dots[0]), "=r"(dots[1]), "=r"(dots[2]), "=r"(dots[3])
            : "r"(weights[0]), "r"(weights[1]), "r"(*planes[plane]), "r"(first), "r"(second));
    }
};

/// A block's product of 128 rows with up to 32 tokens: 16 rows per warp. Chunks come in pairs of neighbours, which two lanes
/// of row_dots.cuh's warp would take: 32 bytes of a row.
template <model::TensorType Type>
class DigitTile {
    using Part = Fragment<Type>;
    static constexpr int kPlanes = Part::kPlanes;
    static constexpr int kBlocks = Part::kBlocksPerPair;
    static constexpr int kSteps = 4; ///< pairs that come together
    static constexpr int kStages = 2;
    static constexpr int kPairs = 16; ///< of lanes
    static constexpr int kLevels = 4; ///< of the tree over them
    struct Stage {
        int4 weights[kSteps][2][128];
        int4 digits[kSteps][2][kPlanes][kTileTokens];
        unsigned scales[kSteps][128]; ///< two of them, the pair's own or one more
        BlockScale blocks[kSteps][kBlocks][kTileTokens];
    };

public:
    static constexpr int kThreads = 256;
    static constexpr int kRows = 128;
    static constexpr int kGroups = kTileTokens / 8; ///< of tokens
    using Sums = float[kGroups][4];
    static __host__ __device__ std::size_t sharedBytes(int columns) {
        return kStages * sizeof(Stage) + static_cast<std::size_t>(positions(columns)) * sizeof(std::uint16_t);
    }
    /// What the calling thread copies: a row of the tile, and a token.
    __device__ static int copiedRow() { return static_cast<int>(threadIdx.x) / 2; }
    __device__ static int copiedToken() { return static_cast<int>(threadIdx.x) / 2 % kTileTokens; }

    /// row: of copiedRow(); input: the activations of copiedToken().
    __device__ DigitTile(std::byte* shared, const ActivationView& x, const std::byte* row, int input)
        : m_stages(reinterpret_cast<Stage*>(shared)), m_order(reinterpret_cast<std::uint16_t*>(m_stages + kStages)), m_row(row),
          m_columns(x.columns), m_digits(digitsOf(x, input, 0)),
          m_blocks(x.blocks + static_cast<std::size_t>(input) * x.columns / kBlockColumns) {}

    /// By the whole block. sums[g][i]: rows l / 4 (i < 2) and l / 4 + 8 of the warp's 16, tokens 8 g + l % 4 * 2 + i % 2.
    __device__ void run(Sums& sums) {
        const int perLane = chunksPerLane(m_columns);
        for (int at = static_cast<int>(threadIdx.x); at < positions(m_columns); at += kThreads) {
            const int pair = at % perLane * kPairs + at / perLane;
            m_order[at] = static_cast<std::uint16_t>(2 * pair < chunks() && at < kPairs * perLane ? pair : kNone);
        }
        __syncthreads();
        const int stages = positions(m_columns) / kSteps;
        fetch(0);
        int within = 0;
        int lanes = 0;
        for (int stage = 0; stage < stages; ++stage) {
            asm volatile("cp.async.wait_all;" ::: "memory");
            __syncthreads(); // the stage is there, and nobody reads the one before any more
            if (stage + 1 < stages)
                fetch(stage + 1);
#pragma unroll 2
            for (int step = 0; step < kSteps; ++step) {
                if (const int pair = m_order[stage * kSteps + step]; pair != kNone)
                    add(m_stages[stage % kStages], step, pair, sums);
                if (++within == perLane && lanes < kPairs) {
                    within = 0;
                    join(lanes++, sums);
                }
            }
        }
    }

private:
    static constexpr int kNone = 0xFFFF;
    static __host__ __device__ int chunksPerLane(int columns) {
        return (columns / Chunk<Type>::kColumns + 31) / 32;
    }
    /// Places in the order of pairs, in whole stages.
    static __host__ __device__ int positions(int columns) {
        return (kPairs * chunksPerLane(columns) + kSteps - 1) / kSteps * kSteps;
    }
    __device__ int chunks() const {
        return m_columns / Chunk<Type>::kColumns;
    }

    __device__ void fetch(int number) {
        Stage& stage = m_stages[number % kStages];
        const int thread = static_cast<int>(threadIdx.x);
        const int half = thread % 2;
        const std::uint16_t* order = m_order + number * kSteps;
        const std::byte* scales = m_row + chunks() * 16;
#pragma unroll
        for (int step = 0; step < kSteps; ++step)
            if (const int pair = order[step]; pair != kNone) {
                if (2 * pair + half < chunks())
                    copyAsync(&stage.weights[step][half][copiedRow()], m_row + (2 * pair + half) * 16);
                if (step % 2 == half)
                    copyAsync(&stage.scales[step][copiedRow()], scales + pair * kBlocks / 2 * 4);
            }
        const int token = copiedToken();
        constexpr int kTogetherNow = kThreads / (2 * kTileTokens);
#pragma unroll
        for (int at = thread / (2 * kTileTokens); at < kSteps * kPlanes; at += kTogetherNow) {
            const int pair = order[at / kPlanes];
            const int plane = kPlanes == 4 ? at % 4 : at % 2 * 2 + half;
            if (pair != kNone && 2 * pair + half < chunks())
                copyAsync(&stage.digits[at / kPlanes][half][at % kPlanes][token],
                          m_digits + plane * (m_columns / kBlockColumns) + (kBlocks == 2 ? 2 * pair + half : pair));
        }
        const int step = thread / (2 * kTileTokens);
        if (const int pair = order[step]; pair != kNone && half < kBlocks && pair * kBlocks + half < m_columns / kBlockColumns)
            copyAsync(&stage.blocks[step][half % kBlocks][token], m_blocks + pair * kBlocks + half);
    }

    template <class Element>
    __device__ static void copyAsync(Element* shared, const void* global) {
        const auto to = static_cast<unsigned>(__cvta_generic_to_shared(shared));
        asm volatile("cp.async.ca.shared.global [%0], [%1], %2;" ::"r"(to), "l"(global), "n"(sizeof(Element)) : "memory");
    }

    /// One pair, its first chunk to `first`, its second to m_second.
    __device__ void add(const Stage& stage, int step, int pair, Sums& first) {
        const int row = static_cast<int>(threadIdx.x) / 32 * 16 + static_cast<int>(threadIdx.x) % 32 / 4;
        const unsigned scales[2] = {stage.scales[step][row], stage.scales[step][row + 8]};
        addChunk(stage, step, 0, scales, kBlocks == 2 ? 0 : pair % 2, first);
        if (2 * pair + 1 < chunks())
            addChunk(stage, step, 1, scales, kBlocks == 2 ? 1 : pair % 2, m_second);
    }

    __device__ static void addChunk(const Stage& stage, int step, int half, const unsigned (&both)[2], int which, Sums& sums) {
        const int lane = static_cast<int>(threadIdx.x) % 32;
        const int row = static_cast<int>(threadIdx.x) / 32 * 16 + lane / 4;
        const auto wordOf = [&](const int4& quants) { return reinterpret_cast<const unsigned*>(&quants) + lane % 4; };
        const auto scaleOf = [&](unsigned two) {
            return __half2float(__ushort_as_half(static_cast<std::uint16_t>(two >> 16 * which)));
        };
        Part part;
        part.load(*wordOf(stage.weights[step][half][row]), *wordOf(stage.weights[step][half][row + 8]));
        const float scales[2] = {scaleOf(both[0]), scaleOf(both[1])};
#pragma unroll
        for (int group = 0; group < kGroups; ++group) {
            const unsigned* planes[kPlanes];
#pragma unroll
            for (int plane = 0; plane < kPlanes; ++plane)
                planes[plane] = wordOf(stage.digits[step][half][plane][group * 8 + lane / 4]);
            BlockScale blocks[2];
            *reinterpret_cast<int4*>(blocks) =
                *reinterpret_cast<const int4*>(&stage.blocks[step][half % kBlocks][group * 8 + lane % 4 * 2]);
            int high[4];
            int low[4];
            part.multiply(high, planes, 0, 0, 0);
            part.multiply(low, planes, kPlanes / 2, Part::correction(blocks[0]), Part::correction(blocks[1]));
#pragma unroll
            for (int i = 0; i < 4; ++i)
                sums[group][i] = fmaf(static_cast<float>(kDigitBase * high[i] + low[i]), scales[i / 2] * blocks[i % 2].scale,
                                      sums[group][i]);
        }
    }

    /// The sums of a pair of lanes are complete: joins them with what waits for them, or keeps them.
    __device__ void join(int pair, Sums& sums) {
#pragma unroll
        for (int group = 0; group < kGroups; ++group)
#pragma unroll
            for (int i = 0; i < 4; ++i) {
                sums[group][i] = sums[group][i] + m_second[group][i];
                m_second[group][i] = 0;
            }
#pragma unroll
        for (int level = 0; level < kLevels; ++level) {
            const bool joins = (pair >> level & 1) != 0;
#pragma unroll
            for (int group = 0; group < kGroups; ++group)
#pragma unroll
                for (int i = 0; i < 4; ++i) {
                    if (joins) {
                        sums[group][i] = m_waiting[level][group][i] + sums[group][i];
                    } else {
                        m_waiting[level][group][i] = sums[group][i];
                        sums[group][i] = 0;
                    }
                }
            if (!joins)
                return;
        }
    }

    Stage* m_stages;
    std::uint16_t* m_order;
    const std::byte* m_row;
    int m_columns;
    const int4* m_digits;
    const BlockScale* m_blocks;
    Sums m_second = {};
    Sums m_waiting[kLevels];
};

} // namespace moescope::backend::cuda
