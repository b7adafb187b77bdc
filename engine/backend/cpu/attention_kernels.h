#pragma once
// Attention over the KV cache, through Highway. What a token gets depends on nothing but its position, its query
// and the entries before it: not on the pass, the thread or the vector width.
#include <cstddef>

namespace moescope::backend {

/// Positions per tile of the key cache: keys lie as [tile][dimension][16 positions], so that scores need no sum across lanes.
inline constexpr int kTilePositions = 16;

/// Rotates the pairs (x[2i], x[2i+1]) by the angle whose cosine and sine are given per pair ("NORM" order, as GGUF files of
/// the llama family store q and k). size is even.
void rotatePairs(float* x, const float* cosines, const float* sines, int size);

/// The query heads that share one key/value head, for one token.
struct AttentionCall {
    const float* queries = nullptr; ///< [heads][size], already scaled by 1/sqrt(size)
    const float* keys = nullptr;    ///< tiles as above
    const float* values = nullptr;  ///< [position][size]
    float* outs = nullptr;          ///< [heads][size]
    int heads = 0;
    int positions = 0; ///< entries to attend to
    int size = 0;      ///< of a head; a multiple of 4
};

/// Floats of scratch that one head's scores need.
constexpr std::ptrdiff_t scoreStride(int positions) {
    return (std::ptrdiff_t{positions} + kTilePositions - 1) / kTilePositions * kTilePositions;
}

/// Softmax attention; scores is scratch of 2 * scoreStride(positions) floats.
void attendHeads(const AttentionCall& call, float* scores);

} // namespace moescope::backend
