#pragma once
// Launchers, one operation per .cu file. All are asynchronous on the given stream and throw GpuError if the launch is refused.
// Sums run in one order that depends on nothing but the model's shape and a token's position: one token gives the same bits
// alone and among others, and no float is ever added atomically.
#include "engine/backend/cuda/tile_call.h"

#include <cuda_runtime_api.h>

namespace moescope::backend::cuda {

// probe.cu: success if this program holds machine code, or PTX, that the GPU can run.
cudaError_t probeKernels();

// product.cu: out[pair.out][row] (+)= matrix row . input[pair.in], for every tile. outStride in floats.
template <int Tokens>
void launchProduct(model::TensorType type, const TileCall<Tokens>& call, int outStride, bool add, cudaStream_t stream);

// router.cu: the same for matrices of few rows, which every other stage waits for; out is overwritten.
template <int Tokens>
void launchRouter(model::TensorType type, const TileCall<Tokens>& call, int outStride, cudaStream_t stream);

/// A word of host memory that tells the host how far a token has come: the device writes the token's number there.
struct Mark {
    const std::uint32_t* number = nullptr; ///< in device memory
    std::uint32_t* word = nullptr;         ///< null: nobody waits
};

/// A router's output on its way to the host, which knows by the pass's number that it is there: both come as one word.
struct alignas(8) Told {
    float logit;
    std::uint32_t number;
};

/// The choice of a token's experts where all of them are resident: policy::topKChoice(), bit for bit.
struct ChooseCall {
    const float* logits = nullptr; ///< [targets][experts]; the first target's count, all are told to the host. Null: no choice
    int experts = 0;
    int targets = 0;
    int topK = 0;
    bool renormalise = false;
    const std::int32_t* slots = nullptr;   ///< [experts]
    std::int32_t* chosen = nullptr;        ///< [topK] slots, by falling weight
    float* weights = nullptr;              ///< [topK]
    Told* told = nullptr;                  ///< [targets][experts] in host memory
    const std::uint32_t* number = nullptr; ///< of the pass, in device memory
};
inline constexpr int kMostExperts = 1024;

// gate_up.cu: inner[pair.out] = silu(gate . input) * up . input, quantised as well. A tile's matrix is gate, tile.rows of it;
// up lies upOffset bytes behind. With a choice, which takes one token, tile t is that of the t-th expert chosen: its matrix
// lies that expert's slot times call.slotBytes behind the tile's.
template <int Tokens>
void launchGateUp(model::TensorType type, const TileCall<Tokens>& call, std::size_t upOffset, const ActivationView& inner,
                  cudaStream_t stream, const ChooseCall& choice = {});

/// What experts add to the residual stream: for each row its weights in rank order; kept 0 adds nothing. Most is 16 (one
/// token) or 512 weights.
template <int Most>
struct ExpertSum {
    static constexpr int kMost = Most;
    const float* outputs = nullptr; ///< [rows * ranks][columns]
    int ranks = 0;                  ///< weights and outputs per row
    int firstRow = 0;
    const float* chosen = nullptr; ///< if set, weights that the device has chosen, instead of `weights`
    float weights[Most];
    std::uint8_t kept[Most];
};
inline constexpr int kFewWeights = 16;
inline constexpr int kManyWeights = 512;
// combine.cu: hidden[row] += sum over ranks, for rows [sum.firstRow, + rows).
template <int Most>
void launchCombine(float* hidden, int columns, int rows, const ExpertSum<Most>& sum, cudaStream_t stream);
// rms_norm.cu: out = hidden / rms(hidden) * weight, in both forms. Before that, what launchCombine would add is added to the
// row if there is only one: decoding saves a launch per layer.
struct NormCall {
    float* hidden = nullptr;
    const float* weight = nullptr;
    float epsilon = 0;
    Mark mark{}; ///< set when everything before has ended
};
void launchRmsNorm(const NormCall& call, int rows, const ExpertSum<kFewWeights>& sum, const ActivationView& out,
                   cudaStream_t stream);
// router.cu: launchRmsNorm and launchRouter with its output for one token in one launch, to the same bits. For floats.
void launchNormAndRouter(const NormCall& norm, model::TensorType type, const TileCall<1>& call, int outStride,
                         const ActivationView& out, cudaStream_t stream);
bool normsWithRouter(model::TensorType type);

/// Shape of a layer's attention and where one pass stands. Rows are consecutive positions from firstPosition on.
struct AttentionShape {
    int heads = 0;
    int kvHeads = 0;
    int size = 0;     ///< of a head; a multiple of 4
    int capacity = 0; ///< positions of the cache
    int stride = 0;   ///< floats from one row of queries, keys and values to the next
    int firstPosition = 0;
    int rows = 0;
};
// rope.cu: rotates queries [rows][heads * size] in place and scales them by 1 / sqrt(size); rotates keys
// [rows][kvHeads * size] into the cache [kvHeads][capacity][size], and copies values into theirs. Cosines and sines are
// [capacity][size / 2], for pairs of neighbours.
struct RopeCall {
    AttentionShape shape;
    float* queries = nullptr;
    const float* keys = nullptr;
    const float* values = nullptr;
    float* keyCache = nullptr;
    float* valueCache = nullptr;
    const float* cosines = nullptr;
    const float* sines = nullptr;
};
void launchRope(const RopeCall& call, cudaStream_t stream);

// attention.cu: softmax(q k) v for each row over positions up to its own, in chunks of 64 positions that are joined in order.
inline constexpr int kChunkPositions = 64;
struct AttentionCall {
    AttentionShape shape;
    const float* queries = nullptr;
    const float* keyCache = nullptr;
    const float* valueCache = nullptr;
    float* partial = nullptr; ///< scratch of attentionScratch() floats
};
/// Floats of scratch for that many rows at the end of the cache.
std::size_t attentionScratch(const AttentionShape& shape, int rows);
void launchAttention(const AttentionCall& call, const ActivationView& out, cudaStream_t stream);
/// One row, launchRope and launchAttention in one kernel, to the same bits. The position is read on the device;
/// call.shape.firstPosition may be a later one with as many chunks or more. `finished` are kvHeads zeros, left as zeros.
bool attendsInOneLaunch(const AttentionShape& shape);
void launchAttentionOfOne(const AttentionCall& call, const RopeCall& rope, const int* position, unsigned* finished,
                          const ActivationView& out, cudaStream_t stream);

} // namespace moescope::backend::cuda
