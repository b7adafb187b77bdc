#include "engine/backend/cuda/pass_memory.h"

#include "engine/backend/cpu/rope_table.h"
#include "engine/backend/cuda/gpu_error.h"

namespace moescope::backend::cuda {
namespace {

std::size_t product(std::initializer_list<int> factors) {
    std::size_t all = 1;
    for (const int factor : factors)
        all *= static_cast<std::size_t>(factor);
    return all;
}

constexpr std::size_t kStateFloats = sizeof(TokenState) / sizeof(float);

void send(const DeviceArray<float>& target, const float* source) {
    check(cudaMemcpy(target.data(), source, static_cast<std::size_t>(target.bytes()), cudaMemcpyHostToDevice),
          "take the rotary table");
}

} // namespace

Activations::Activations(int rows, int columns)
    : m_values(product({rows, columns})), m_digits(product({rows, columns, 2})),
      m_blocks(product({rows, columns / kBlockColumns})), m_view{m_values.data(), m_digits.data(), m_blocks.data(), columns} {}

PassMemory::PassMemory(const model::ModelConfig& c, int rows)
    : shape{.heads = c.heads,
            .kvHeads = c.kvHeads,
            .size = c.headSize,
            .capacity = c.contextTokens,
            .stride = (c.heads + 2 * c.kvHeads) * c.headSize},
      hidden(product({rows, c.hidden}) + kStateFloats), normed(rows, c.hidden), projected(product({rows, shape.stride})),
      partial(attentionScratch(shape, rows)), attended(rows, c.heads * c.headSize), inner(rows * c.topK, c.expertWidth),
      outputs(product({rows, c.topK, c.hidden})), scores(product({c.vocabulary})),
      keys(product({c.layers, c.kvHeads, c.contextTokens, c.headSize})),
      values(product({c.layers, c.kvHeads, c.contextTokens, c.headSize})), cosines(product({c.contextTokens, c.headSize / 2})),
      sines(product({c.contextTokens, c.headSize / 2})), finished(product({c.kvHeads})),
      embedded(product({rows, c.hidden}) + kStateFloats), routed(product({kTargets, rows, c.experts})),
      hostScores(product({c.vocabulary})) {
    check(cudaMemset(finished.data(), 0, static_cast<std::size_t>(finished.bytes())), "clear its memory");
    RopeTable table(c.ropeBase, c.headSize);
    table.reach(c.contextTokens);
    send(cosines, table.cosines(0));
    send(sines, table.sines(0));
}

AttentionShape PassMemory::shapeOf(std::span<const PassToken> tokens) const {
    AttentionShape shapeNow = shape;
    shapeNow.firstPosition = tokens.front().position;
    shapeNow.rows = static_cast<int>(tokens.size());
    return shapeNow;
}

std::int64_t PassMemory::bytes() const {
    return hidden.bytes() + normed.bytes() + projected.bytes() + partial.bytes() + attended.bytes() + inner.bytes() +
           outputs.bytes() + scores.bytes() + keys.bytes() + values.bytes() + cosines.bytes() + sines.bytes();
}

} // namespace moescope::backend::cuda
