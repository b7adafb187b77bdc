#include "engine/backend/cpu/cpu_backend.h"

#include "engine/backend/cpu/attention_kernels.h"
#include "engine/backend/cpu/dense_weights.h"
#include "engine/backend/cpu/expert_slots.h"
#include "engine/backend/cpu/int8_kernels.h"
#include "engine/backend/cpu/kv_cache.h"
#include "engine/backend/cpu/pass_buffers.h"
#include "engine/backend/cpu/rope_table.h"
#include "engine/backend/cpu/thread_pool.h"
#include "engine/backend/cpu/vector_kernels.h"

#include <algorithm>
#include <cmath>
#include <fmt/core.h>
#include <stdexcept>

namespace moescope::backend {
namespace {

constexpr int kMaxPassTokens = 64;

const model::ModelConfig& checked(const model::GgufFile& file, const model::ModelConfig& config) {
    const auto require = [&](bool fits, const char* what, int value, int unit) {
        if (!fits)
            throw std::runtime_error(
                fmt::format("{}: {} is {}, and the CPU backend needs a multiple of {}.", file.name(), what, value, unit));
    };
    require(config.hidden % kBlockColumns == 0, "the embedding length", config.hidden, kBlockColumns);
    require(config.expertWidth % kBlockColumns == 0, "the experts' feed-forward length", config.expertWidth, kBlockColumns);
    require(config.headSize % 4 == 0, "the head size", config.headSize, 4);
    require(config.heads * config.headSize % kBlockColumns == 0, "the width of all heads", config.heads * config.headSize,
            kBlockColumns);
    return config;
}

const Int8Kernels& chosenKernels(std::string_view name) {
    for (const Int8Kernels& variant : int8Variants())
        if (name.empty() || variant.name == name)
            return variant;
    throw std::runtime_error(fmt::format("This machine cannot run the '{}' kernels.", name));
}

/// The processor's own backend; see makeCpuBackend.
class CpuBackend final : public Backend {
public:
    CpuBackend(const model::GgufFile& file, const model::ModelConfig& config, const CpuOptions& options)
        : m_config(checked(file, config)), m_kernels(chosenKernels(options.int8Kernels)),
          m_embedding(file.require("token_embd.weight", {config.hidden, config.vocabulary})), m_dense(file, config),
          m_slots(file, config), m_kv({config.layers, config.kvHeads, config.headSize, config.contextTokens}),
          m_rope(config.ropeBase, config.headSize), m_pool(options.threads), m_buffers(config, kMaxPassTokens),
          m_scores(m_pool.threads(), 2 * static_cast<int>(scoreStride(config.contextTokens))) {}

    std::string name() const override {
        return fmt::format("CPU ({}), {} thread{}", m_kernels.name, m_pool.threads(), m_pool.threads() == 1 ? "" : "s");
    }
    int maxPassTokens() const override { return kMaxPassTokens; }
    std::int64_t residentBytes() const override {
        return m_dense.bytes() + m_slots.slotBytes() * m_slots.count() + m_kv.bytes() + m_buffers.bytes();
    }

    std::int64_t expertBytes(trace::ExpertKey key) const override { return m_slots.expertBytes(key); }
    int blocks(trace::ExpertKey key) const override { return m_slots.blocks(key.layer.value); }
    std::int64_t loadBlock(trace::ExpertKey key, int slot, int block) override { return m_slots.load(key, slot, block); }
    void reserveSlots(int count) override { m_slots.reserve(count); }
    void freeSlot(int slot) override { m_slots.freeSlot(slot); }

    void beginPass(std::span<const PassToken> tokens) override;
    void attend(int layer) override;
    void route(int layer, std::span<float> logits) override;
    void predict(int targetLayer, int row, std::span<float> logits) override;
    void runExperts(int layer, std::span<const ExpertCall> calls) override;
    void runInPlace(trace::ExpertKey key, std::span<const ExpertRow> rows) override;
    void combine(int layer, std::span<const float> weights, int stride, std::span<const int> kept) override;
    void logits(int row, std::span<float> out) override;
    bool finalNorm(int row, std::span<float> out) override;
    void truncate(int) override {} // positions beyond a token's own are never read, and are written before they are

private:
    /// A matrix, its inputs and where its outputs go.
    struct Product {
        const PackedMatrix* matrix = nullptr;
        std::span<const ActivationRow> inputs;
        std::span<float* const> outs;
    };

    /// Groups [begin, end) of a matrix are this thread's.
    struct Shared {
        int begin = 0;
        int end = 0;
        int thread = 0;
    };

    GroupProduct kernelFor(model::TensorType type) const { return productOf(m_kernels, type); }
    void multiply(const Product& product, int begin, int end) const {
        if (end > begin)
            kernelFor(product.matrix->type)(*product.matrix, begin, end, product.inputs.data(),
                                            static_cast<int>(product.inputs.size()), product.outs.data());
    }
    int tokenCount() const { return static_cast<int>(m_tokens.size()); }
    int expertRow(const ExpertRow& row) const { return row.row * m_config.topK + row.rank; }

    void normalise(const std::vector<float>& weights);
    void projectQkv(const DenseWeights::Layer& weights);
    void rotateAndStore(int layer, int row, int head);
    void attendGroup(int layer, int row, int head, int thread);
    void projectOutput(const DenseWeights::Layer& weights);
    void routeRow(const PackedMatrix& router, int row, std::span<float> logits);
    void collectRows(std::span<const ExpertCall> calls);
    template <class MultiplyPart>
    void runCalls(std::span<const ExpertCall> calls, const MultiplyPart& multiplyPart);

    model::ModelConfig m_config;
    const Int8Kernels& m_kernels;
    model::TensorView m_embedding;
    DenseWeights m_dense;
    ExpertSlots m_slots;
    KvCache m_kv;
    RopeTable m_rope;
    ThreadPool m_pool;
    PassBuffers m_buffers;
    FloatRows m_scores;                 ///< attention scores, one row per thread
    std::vector<MemoryRegion> m_packed; ///< [threads] a group of an expert that has no slot; empty until one is wanted

    std::vector<PassToken> m_tokens;
    // Pointers to the rows of one parallel stage; members only so that no pass allocates.
    std::vector<ActivationRow> m_inputs;
    std::vector<float*> m_outs;
    std::vector<float*> m_upOuts;
    std::vector<ActivationRow> m_innerInputs;
    std::vector<float*> m_downOuts;
    std::vector<int> m_innerRows;
};

void CpuBackend::beginPass(std::span<const PassToken> tokens) {
    m_tokens.assign(tokens.begin(), tokens.end());
    m_rope.reach(tokens.back().position + 1);
    const auto width = static_cast<std::size_t>(m_config.hidden);
    for (int row = 0; row < tokenCount(); ++row)
        model::dequantise(m_embedding.type, m_embedding.row(tokens[static_cast<std::size_t>(row)].id),
                          std::span(m_buffers.hidden.row(row), width));
}

void CpuBackend::normalise(const std::vector<float>& weights) {
    m_pool.forEach(tokenCount(), [&](int row) {
        rmsNorm(m_buffers.hidden.row(row), weights.data(), m_config.rmsEpsilon, m_config.hidden, m_buffers.normed.values(row));
        m_buffers.normed.quantise(row, 0, m_config.hidden);
    });
    m_inputs.clear();
    for (int row = 0; row < tokenCount(); ++row)
        m_inputs.push_back(m_buffers.normed.row(row));
}

void CpuBackend::projectQkv(const DenseWeights::Layer& weights) {
    const auto count = static_cast<std::size_t>(tokenCount());
    m_outs.clear();
    for (FloatRows* rows : {&m_buffers.queries, &m_buffers.keys, &m_buffers.values})
        for (int row = 0; row < tokenCount(); ++row)
            m_outs.push_back(rows->row(row));
    const std::span<float* const> outs(m_outs);
    const Product products[] = {{&weights.query, m_inputs, outs.first(count)},
                                {&weights.key, m_inputs, outs.subspan(count, count)},
                                {&weights.value, m_inputs, outs.last(count)}};
    const int groups = weights.query.groups() + weights.key.groups() + weights.value.groups();
    m_pool.run([&](int thread, int threads) {
        int begin = ThreadPool::shareBegin(groups, thread, threads);
        int end = ThreadPool::shareBegin(groups, thread + 1, threads);
        for (const Product& product : products) {
            const int here = product.matrix->groups();
            multiply(product, std::clamp(begin, 0, here), std::clamp(end, 0, here));
            begin -= here;
            end -= here;
        }
    });
}

void CpuBackend::rotateAndStore(int layer, int row, int head) {
    const int position = m_tokens[static_cast<std::size_t>(row)].position;
    float* key = m_buffers.keys.row(row) + head * m_config.headSize;
    rotatePairs(key, m_rope.cosines(position), m_rope.sines(position), m_config.headSize);
    m_kv.store(layer, head, position, key, m_buffers.values.row(row) + head * m_config.headSize);
}

void CpuBackend::attendGroup(int layer, int row, int head, int thread) {
    const int size = m_config.headSize;
    const int perGroup = m_config.heads / m_config.kvHeads;
    const int position = m_tokens[static_cast<std::size_t>(row)].position;
    const float scale = 1.0F / std::sqrt(static_cast<float>(size));
    float* queries = m_buffers.queries.row(row) + head * perGroup * size;
    for (int i = 0; i < perGroup; ++i)
        rotatePairs(queries + i * size, m_rope.cosines(position), m_rope.sines(position), size);
    for (int i = 0; i < perGroup * size; ++i)
        queries[i] *= scale;
    attendHeads({queries, m_kv.keys(layer, head), m_kv.values(layer, head),
                 m_buffers.attended.values(row) + head * perGroup * size, perGroup, position + 1, size},
                m_scores.row(thread));
}

void CpuBackend::projectOutput(const DenseWeights::Layer& weights) {
    m_inputs.clear();
    m_outs.clear();
    for (int row = 0; row < tokenCount(); ++row) {
        m_inputs.push_back(m_buffers.attended.row(row));
        m_outs.push_back(m_buffers.projected.row(row));
    }
    m_pool.run([&](int thread, int threads) {
        const int begin = ThreadPool::shareBegin(weights.output.groups(), thread, threads);
        const int end = ThreadPool::shareBegin(weights.output.groups(), thread + 1, threads);
        multiply({&weights.output, m_inputs, m_outs}, begin, end);
        for (int row = 0; row < tokenCount(); ++row)
            addScaled(m_buffers.projected.row(row) + begin * kGroupRows, 1.0F, (end - begin) * kGroupRows,
                      m_buffers.hidden.row(row) + begin * kGroupRows);
    });
}

void CpuBackend::attend(int layer) {
    const DenseWeights::Layer& weights = m_dense.layer(layer);
    normalise(weights.attentionNorm);
    projectQkv(weights);
    const int heads = m_config.kvHeads;
    const int items = heads * tokenCount();
    const bool single = tokenCount() == 1;
    if (!single)
        m_pool.forEach(items, [&](int item) { rotateAndStore(layer, item / heads, item % heads); });
    m_pool.run([&](int thread, int threads) {
        for (int item = ThreadPool::shareBegin(items, thread, threads);
             item < ThreadPool::shareBegin(items, thread + 1, threads); ++item) {
            if (single)
                rotateAndStore(layer, 0, item);
            attendGroup(layer, item / heads, item % heads, thread);
        }
    });
    m_pool.forEach(tokenCount(), [&](int row) { m_buffers.attended.quantise(row, 0, m_config.heads * m_config.headSize); });
    projectOutput(weights);
}

void CpuBackend::routeRow(const PackedMatrix& router, int row, std::span<float> logits) {
    const ActivationRow input = m_buffers.normed.row(row);
    float* out = m_buffers.routed.row(row);
    kernelFor(router.type)(router, 0, router.groups(), &input, 1, &out);
    std::copy_n(out, logits.size(), logits.begin());
}

void CpuBackend::route(int layer, std::span<float> logits) {
    const DenseWeights::Layer& weights = m_dense.layer(layer);
    normalise(weights.expertNorm);
    const auto experts = static_cast<std::size_t>(m_config.experts);
    m_pool.forEach(tokenCount(), [&](int row) {
        routeRow(weights.router, row, logits.subspan(static_cast<std::size_t>(row) * experts, experts));
    });
}

void CpuBackend::predict(int targetLayer, int row, std::span<float> logits) {
    routeRow(m_dense.layer(targetLayer).router, row, logits);
}

void CpuBackend::collectRows(std::span<const ExpertCall> calls) {
    m_inputs.clear();
    m_outs.clear();
    m_upOuts.clear();
    m_innerInputs.clear();
    m_downOuts.clear();
    m_innerRows.clear();
    for (const ExpertCall& call : calls) {
        for (const ExpertRow& row : call.rows) {
            const int inner = expertRow(row);
            m_innerRows.push_back(inner);
            m_inputs.push_back(m_buffers.normed.row(row.row));
            m_outs.push_back(m_buffers.inner.values(inner));
            m_upOuts.push_back(m_buffers.up.row(inner));
            m_innerInputs.push_back(m_buffers.inner.row(inner));
            m_downOuts.push_back(m_buffers.outputs.row(inner));
        }
    }
}

template <class MultiplyPart>
void CpuBackend::runCalls(std::span<const ExpertCall> calls, const MultiplyPart& multiplyPart) {
    collectRows(calls);
    const std::span<const ActivationRow> inputs(m_inputs);
    const std::span<const ActivationRow> innerInputs(m_innerInputs);
    const std::span<float* const> gateOuts(m_outs);
    const std::span<float* const> upOuts(m_upOuts);
    const std::span<float* const> downOuts(m_downOuts);
    // Units of 32 rows, so that a thread quantises whole blocks of what it computed itself.
    const int units = m_config.expertWidth / kBlockColumns;
    m_pool.run([&](int thread, int threads) {
        const int begin = ThreadPool::shareBegin(units, thread, threads);
        const int end = ThreadPool::shareBegin(units, thread + 1, threads);
        const int first = begin * kBlockColumns;
        const int count = (end - begin) * kBlockColumns;
        std::size_t at = 0;
        for (const ExpertCall& call : calls) {
            const std::size_t rows = call.rows.size();
            const Shared share{begin * 2, end * 2, thread};
            multiplyPart(call, ExpertSlots::kGate, inputs.subspan(at, rows), gateOuts.subspan(at, rows), share);
            multiplyPart(call, ExpertSlots::kUp, inputs.subspan(at, rows), upOuts.subspan(at, rows), share);
            for (std::size_t row = at; row < at + rows; ++row) {
                swiGlu(gateOuts[row] + first, upOuts[row] + first, count, gateOuts[row] + first);
                m_buffers.inner.quantise(m_innerRows[row], first, count);
            }
            at += rows;
        }
    });
    const int groups = (m_config.hidden + kGroupRows - 1) / kGroupRows;
    m_pool.run([&](int thread, int threads) {
        std::size_t at = 0;
        for (const ExpertCall& call : calls) {
            const std::size_t rows = call.rows.size();
            multiplyPart(call, ExpertSlots::kDown, innerInputs.subspan(at, rows), downOuts.subspan(at, rows),
                         Shared{ThreadPool::shareBegin(groups, thread, threads),
                                ThreadPool::shareBegin(groups, thread + 1, threads), thread});
            at += rows;
        }
    });
}

void CpuBackend::runExperts(int layer, std::span<const ExpertCall> calls) {
    // Parts are not told apart here: the whole is computed when the rest has come.
    if (std::any_of(calls.begin(), calls.end(), [](const ExpertCall& call) { return call.part == expert::ExpertPart::First; }))
        return;
    runCalls(calls, [&](const ExpertCall& call, std::size_t part, std::span<const ActivationRow> inputs,
                        std::span<float* const> outs, const Shared& share) {
        const PackedMatrix matrix = m_slots.matrix(layer, call.slot, part);
        multiply({&matrix, inputs, outs}, share.begin, share.end);
    });
}

void CpuBackend::runInPlace(trace::ExpertKey key, std::span<const ExpertRow> rows) {
    if (m_packed.empty())
        for (int thread = 0; thread < m_pool.threads(); ++thread)
            m_packed.emplace_back(m_slots.mostGroupBytes());
    const ExpertCall call{-1, rows, expert::ExpertPart::Whole};
    runCalls({&call, 1}, [&](const ExpertCall&, std::size_t part, std::span<const ActivationRow> inputs,
                             std::span<float* const> outs, const Shared& share) {
        std::byte* const packed = m_packed[static_cast<std::size_t>(share.thread)].data();
        const PackedMatrix matrix = m_slots.scratch(key.layer.value, part, packed);
        for (int group = share.begin; group < share.end; ++group) {
            m_slots.pack(key, part, group, packed);
            multiply({&matrix, inputs, outs}, group, group + 1);
        }
    });
}

void CpuBackend::combine(int, std::span<const float> weights, int stride, std::span<const int> kept) {
    m_pool.forEach(tokenCount(), [&](int row) {
        for (int rank = 0; rank < kept[static_cast<std::size_t>(row)]; ++rank)
            addScaled(m_buffers.outputs.row(expertRow({row, rank})), weights[static_cast<std::size_t>(row * stride + rank)],
                      m_config.hidden, m_buffers.hidden.row(row));
    });
}

bool CpuBackend::finalNorm(int row, std::span<float> out) {
    rmsNorm(m_buffers.hidden.row(row), m_dense.finalNorm().data(), m_config.rmsEpsilon, m_config.hidden, out.data());
    return true;
}

void CpuBackend::logits(int row, std::span<float> out) {
    rmsNorm(m_buffers.hidden.row(row), m_dense.finalNorm().data(), m_config.rmsEpsilon, m_config.hidden,
            m_buffers.last.values(0));
    m_buffers.last.quantise(0, 0, m_config.hidden);
    const ActivationRow input = m_buffers.last.row(0);
    float* const scores = m_buffers.scores.row(0);
    const PackedMatrix& head = m_dense.head();
    m_pool.run([&](int thread, int threads) {
        multiply({&head, std::span(&input, 1), std::span(&scores, 1)}, ThreadPool::shareBegin(head.groups(), thread, threads),
                 ThreadPool::shareBegin(head.groups(), thread + 1, threads));
    });
    std::copy_n(scores, out.size(), out.begin());
}

} // namespace

std::unique_ptr<Backend> makeCpuBackend(const model::GgufFile& file, const model::ModelConfig& config,
                                        const CpuOptions& options) {
    return std::make_unique<CpuBackend>(file, config, options);
}

} // namespace moescope::backend
