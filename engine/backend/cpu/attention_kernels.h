#pragma once
// One head's attention over the KV cache, through Highway. What a token gets depends on nothing but its position, its query
// and the entries before it: not on the pass, the thread or the vector width.
#include <cstddef>

namespace moescope::backend {

/// Positions per tile of the key cache: keys lie as [tile][dimension][16 positions], so that scores need no sum across lanes.
inline constexpr int kTilePositions = 16;

/// Rotates the pairs (x[2i], x[2i+1]) by the angle whose cosine and sine are given per pair ("NORM" order, as GGUF files of
/// the llama family store q and k). size is even.
void rotatePairs(float* x, const float* cosines, const float* sines, int size);

/// Attention of one query head over `positions` entries. query: [size], already scaled by 1/sqrt(size). keys: tiles as above;
/// values: [position][size]. scores: scratch for positions rounded up to 16. size is a multiple of 16.
void attendHead(const float* query, const float* keys, const float* values, int positions, int size, float* scores, float* out);

} // namespace moescope::backend
