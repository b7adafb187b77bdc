#include "engine/backend/cuda/cuda_backend.h"

#include "engine/backend/cuda/dense_weights.h"
#include "engine/backend/cuda/expert_copier.h"
#include "engine/backend/cuda/gpu.h"
#include "engine/backend/cuda/in_place_experts.h"
#include "engine/backend/cuda/pass_graphs.h"
#include "engine/backend/cuda/pass_memory.h"
#include "engine/backend/cuda/requirements.h"
#include "engine/backend/cuda/resident_pass.h"
#include "engine/backend/cuda/tile_batch.h"

#include <algorithm>
#include <cstring>
#include <fmt/core.h>
#include <functional>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace moescope::backend {
namespace cuda {
namespace {

// More would fill tiles of an expert's tokens better and fetch experts for fewer passes; scratch grows with it (60 MB in
// Mixtral's shape), and so does the time until a setting takes effect.
constexpr int kMostPassTokens = 256;

/// An NVIDIA GPU; see makeCudaBackend. Work is queued on one stream; the host waits for it once per layer, when it needs the
/// router's logits, and once per token, when it needs the head's. A resident pass is queued whole, and recorded as a graph.
class CudaBackend final : public Backend {
public:
    CudaBackend(const model::GgufFile& file, const model::ModelConfig& config, const CudaOptions& options)
        : m_config(checked(file, config)), m_gpu(openGpu()), m_options(options),
          m_embedding(file.require("token_embd.weight", {config.hidden, config.vocabulary})),
          m_dense((checkFits(file, config, m_gpu), DenseWeights(file, config))), m_memory(config, kMostPassTokens),
          m_experts(file, config, options.hostMemory, options.threads),
          m_slots(m_experts.slotBytes(), config.layers * config.experts), m_copier(m_experts, m_slots), m_resident(config) {}
    ~CudaBackend() override { cudaStreamSynchronize(m_stream.get()); }
    std::string name() const override {
        return fmt::format("{} (CUDA, {} host memory)", m_gpu.name, nameOf(m_options.hostMemory));
    }
    int maxPassTokens() const override { return kMostPassTokens; }
    std::int64_t residentBytes() const override { return m_dense.bytes() + m_memory.bytes() + m_slots.bytes(); }
    DeviceMemory deviceMemory() const override {
        return {m_gpu.totalBytes, {{"dense weights", m_dense.bytes()}, {"KV cache and scratch", m_memory.bytes()}}};
    }
    int mostSlots() const override { return m_slots.mostNow(); }
    std::int64_t expertBytes(trace::ExpertKey key) const override {
        return static_cast<std::int64_t>(m_experts.layer(key.layer.value).bytes);
    }
    int blocks(trace::ExpertKey key) const override { return m_experts.layer(key.layer.value).blocks; }
    int blocksOfFirstPart(trace::ExpertKey key) const override { return m_experts.layer(key.layer.value).firstBlocks; }
    std::int64_t loadBlock(trace::ExpertKey key, int slot, int block) override { return m_copier.load(key, slot, block); }
    int blocksAtOnce() const override { return ExpertCopier::kAtOnce; }
    void beginBlock(trace::ExpertKey key, int slot, int block, bool urgent, trace::TimeNs now) override {
        m_copier.begin(key, slot, block, urgent, now);
    }
    expert::BlockMoved endBlock(const trace::Clock& clock) override { return m_copier.end(clock); }
    void reserveSlots(int count) override { m_slots.reserve(count); }
    void freeSlot(int) override {} // the memory goes when the tier shrinks
    void beginPass(std::span<const PassToken> tokens) override;
    void attend(int layer) override;
    void route(int layer, std::span<float> logits) override;
    bool beginResident(const ResidentRouting& routing) override;
    void chooseExperts(int layer) override;
    void runChosen(int layer) override;
    void endResident() override;
    void awaitStage(int layer, trace::Stage stage) override;
    void predict(int targetLayer, int row, std::span<float> logits) override;
    void runExperts(int layer, std::span<const ExpertCall> calls) override;
    void runInPlace(trace::ExpertKey key, std::span<const ExpertRow> rows) override;
    void combine(int layer, std::span<const float> weights, int stride, std::span<const int> kept) override;
    void logits(int row, std::span<float> out) override;
    bool finalNorm(int row, std::span<float> out) override;
    void truncate(int) override {} // positions beyond a token's own are never read, and are written before they are

private:
    /// Matrices with one input; token i of the pass goes to row i of each output.
    struct Product {
        DeviceMatrix matrix;
        float* out = nullptr;
    };

    int tokenCount() const { return m_shape.rows; }
    NormCall normOf(const float* weight, Mark mark) const {
        return {m_memory.hidden.data(), weight, m_config.rmsEpsilon, mark};
    }
    void normalise(const float* weight, Mark mark = {});
    void finish();
    void queueHead(int row);
    void queueFinalNorm(int row);
    Mark markOf(int layer, ResidentPass::Stage stage) const;
    PassGraphs::Key graphKey() const;
    void addRouters(int layer, int targets, float* (CudaBackend::*out)(int) const, const NormCall* norm);
    template <class Launch>
    void forTiles(std::span<const Product> products, const ActivationView& input, const Launch& launch);
    void multiply(std::span<const Product> products, const ActivationView& input, int outStride, bool add = false);
    template <int Tokens>
    void runTiles(int layer, std::span<const ExpertCall> calls);
    template <int Most>
    void sumRows(ExpertSum<Most>& sum, int rows, std::span<const float> weights, int stride, std::span<const int> kept) const;
    void askRouters(int layer, int targets);
    void waitForCompute();
    float* routed(int target) const;
    float* chosenFrom(int target) const { return m_resident.logits(target); }

    model::ModelConfig m_config;
    Gpu m_gpu;
    CudaOptions m_options;
    model::TensorView m_embedding;
    Stream m_stream; ///< everything that computes
    DenseWeights m_dense;
    PassMemory m_memory;
    HostExperts m_experts;
    ExpertSlots m_slots;
    ExpertCopier m_copier;
    std::optional<InPlaceExperts> m_inPlace; ///< from the first time that it is wanted
    ResidentPass m_resident;
    PassGraphs m_graphs;

    AttentionShape m_shape;             ///< of the pass
    ExpertSum<kFewWeights> m_pending{}; ///< of a single token's last layer, added by the next norm
    int m_routedLayer = -1;             ///< whose gate input `normed` holds
    int m_targets = 2;                  ///< routers asked at once: the layer's own and those ahead that have been wanted so far
    bool m_finished = false;            ///< `normed` holds the head's input
    bool m_isResident = false;          ///< the pass goes down the layers by itself
    bool m_isRecorded = false;          ///< and there is a graph of it
    bool m_loaded = false;              ///< every kernel of a resident pass has run: a recording would not have to load one
    std::uint32_t m_number = 0;         ///< of the pass
    std::vector<RowPair> m_rows;        ///< token i to row i
    std::vector<RowPair> m_pairs;       ///< scratch
    std::vector<Product> m_routers;
};

void CudaBackend::beginPass(std::span<const PassToken> tokens) {
    // The pass before may have been given up half-way, its embeddings still on their way.
    m_graphs.abandon(m_stream);
    waitForCompute();
    m_shape = m_memory.shapeOf(tokens);
    m_pending.kept[0] = 0;
    m_pending.chosen = nullptr;
    m_routedLayer = -1;
    m_finished = m_isResident = m_isRecorded = false;
    ++m_number;
    m_rows.clear();
    const auto width = static_cast<std::size_t>(m_config.hidden);
    for (std::size_t row = 0; row < tokens.size(); ++row) {
        m_rows.push_back({static_cast<std::uint16_t>(row), static_cast<std::uint16_t>(row)});
        model::dequantise(m_embedding.type, m_embedding.row(tokens[row].id),
                          std::span(m_memory.embedded.data() + row * width, width));
    }
    const TokenState state{tokens[0].position, m_number};
    std::memcpy(m_memory.embedded.data() + tokens.size() * width, &state, sizeof state);
    check(cudaMemcpyAsync(m_memory.hidden.data(), m_memory.embedded.data(),
                          tokens.size() * width * sizeof(float) + sizeof state, cudaMemcpyHostToDevice, m_stream.get()),
          "take the embeddings");
}

void CudaBackend::normalise(const float* weight, Mark mark) {
    launchRmsNorm(normOf(weight, mark), tokenCount(), m_pending, m_memory.normed.view(), m_stream.get());
    m_pending.kept[0] = 0;
}

template <class Launch>
void CudaBackend::forTiles(std::span<const Product> products, const ActivationView& input, const Launch& launch) {
    const auto run = [&]<int Tokens>(std::integral_constant<int, Tokens>) {
        TileBatch<Tokens, Launch> batch(input, launch);
        for (const Product& product : products)
            batch.add(product.matrix, product.out, m_rows);
        batch.flush();
    };
    if (tokenCount() == 1)
        run(std::integral_constant<int, 1>());
    else
        run(std::integral_constant<int, kTileTokens>());
}

void CudaBackend::multiply(std::span<const Product> products, const ActivationView& input, int outStride, bool add) {
    forTiles(products, input,
             [&](model::TensorType type, const auto& call) { launchProduct(type, call, outStride, add, m_stream.get()); });
}

void CudaBackend::attend(int layer) {
    if (m_isRecorded)
        return;
    const DenseWeights::Layer& weights = m_dense.layer(layer);
    normalise(weights.attentionNorm, markOf(layer - 1, ResidentPass::Stage::Experts));
    float* queries = m_memory.projected.data();
    float* keys = queries + weights.query.rows;
    float* values = keys + weights.key.rows;
    const Product projections[] = {{weights.query, queries}, {weights.key, keys}, {weights.value, values}};
    multiply(projections, m_memory.normed.view(), m_shape.stride);
    const std::size_t offset = static_cast<std::size_t>(layer) * static_cast<std::size_t>(m_shape.kvHeads) *
                               static_cast<std::size_t>(m_shape.capacity) * static_cast<std::size_t>(m_shape.size);
    float* keyCache = m_memory.keys.data() + offset;
    float* valueCache = m_memory.values.data() + offset;
    const RopeCall rope{m_shape, queries, keys, values, keyCache, valueCache, m_memory.cosines.data(), m_memory.sines.data()};
    const AttentionCall attention{m_shape, queries, keyCache, valueCache, m_memory.partial.data()};
    if (tokenCount() == 1 && attendsInOneLaunch(m_shape)) {
        launchAttentionOfOne(attention, rope, &m_memory.token()->position, m_memory.finished.data(), m_memory.attended.view(),
                             m_stream.get());
    } else {
        launchRope(rope, m_stream.get());
        launchAttention(attention, m_memory.attended.view(), m_stream.get());
    }
    const Product output[] = {{weights.output, m_memory.hidden.data()}};
    multiply(output, m_memory.attended.view(), m_config.hidden, true);
}

float* CudaBackend::routed(int target) const {
    return m_memory.routed.data() +
           static_cast<std::size_t>(target) * kMostPassTokens * static_cast<std::size_t>(m_config.experts);
}

/// norm: of what the routers read, if that is still to be done.
void CudaBackend::addRouters(int layer, int targets, float* (CudaBackend::*out)(int) const, const NormCall* norm) {
    m_routers.clear();
    for (int target = 0; target < targets; ++target)
        m_routers.push_back({m_dense.layer(layer + target).router, (this->*out)(target)});
    if (norm != nullptr && (tokenCount() > 1 || !normsWithRouter(m_routers[0].matrix.type)))
        launchRmsNorm(*std::exchange(norm, nullptr), tokenCount(), m_pending, m_memory.normed.view(), m_stream.get());
    forTiles(m_routers, m_memory.normed.view(), [&](model::TensorType type, const auto& call) {
        if constexpr (std::is_same_v<std::decay_t<decltype(call)>, TileCall<1>>)
            if (norm != nullptr)
                return launchNormAndRouter(*std::exchange(norm, nullptr), type, call, m_config.experts, m_memory.normed.view(),
                                           m_stream.get());
        launchRouter(type, call, m_config.experts, m_stream.get());
    });
}

void CudaBackend::askRouters(int layer, int targets) {
    addRouters(layer, targets, &CudaBackend::routed, nullptr);
    waitForCompute();
}

void CudaBackend::waitForCompute() {
    check(cudaStreamSynchronize(m_stream.get()), "compute");
    m_slots.allDone();
}

void CudaBackend::route(int layer, std::span<float> logits) {
    if (m_isResident) {
        m_routedLayer = layer;
        return m_resident.copyTold(layer, 0, m_stream, logits);
    }
    m_routedLayer = layer;
    // What the decoder will ask of the layers ahead is computed along, so that the host waits once.
    const NormCall norm = normOf(m_dense.layer(layer).expertNorm, {});
    addRouters(layer, std::min(m_targets, m_config.layers - layer), &CudaBackend::routed, &norm);
    if (m_inPlace)
        m_inPlace->take(m_memory.normed.view().values, tokenCount(), m_stream);
    waitForCompute();
    std::copy_n(routed(0), logits.size(), logits.begin());
}

void CudaBackend::predict(int targetLayer, int row, std::span<float> logits) {
    const int target = targetLayer - m_routedLayer;
    if (m_isResident)
        return m_resident.copyTold(m_routedLayer, target, m_stream, logits);
    if (target >= PassMemory::kTargets)
        throw std::logic_error("The CUDA backend predicts three layers ahead at most.");
    if (target >= m_targets) {
        m_targets = target + 1;
        askRouters(m_routedLayer, std::min(m_targets, m_config.layers - m_routedLayer));
    }
    const auto experts = static_cast<std::size_t>(m_config.experts);
    std::copy_n(routed(target) + static_cast<std::size_t>(row) * experts, experts, logits.begin());
}

template <int Tokens>
void CudaBackend::runTiles(int layer, std::span<const ExpertCall> calls) {
    using Launch = std::function<void(model::TensorType, const TileCall<Tokens>&)>;
    const auto& parts = m_experts.layer(layer).parts;
    TileBatch<Tokens, Launch> gateUp(m_memory.normed.view(), [&](model::TensorType type, const TileCall<Tokens>& call) {
        launchGateUp(type, call, parts[1].offset, m_memory.inner.view(), m_stream.get());
    });
    TileBatch<Tokens, Launch> down(m_memory.inner.view(), [&](model::TensorType type, const TileCall<Tokens>& call) {
        launchProduct(type, call, m_config.hidden, false, m_stream.get());
    });
    const auto addAll = [&](auto& batch, std::size_t part, auto pairOf, float* out) {
        DeviceMatrix matrix = parts[part].matrix;
        const auto otherPart = part == 2 ? expert::ExpertPart::First : expert::ExpertPart::Rest;
        for (const ExpertCall& call : calls) {
            if (call.part == otherPart)
                continue;
            m_pairs.clear();
            for (const ExpertRow& row : call.rows)
                m_pairs.push_back(pairOf(row));
            matrix.data = m_slots.data(call.slot) + parts[part].offset;
            batch.add(matrix, out, m_pairs);
        }
        batch.flush();
    };
    const auto inner = [&](const ExpertRow& row) { return static_cast<std::uint16_t>(row.row * m_config.topK + row.rank); };
    addAll(
        gateUp, 0,
        [&](const ExpertRow& row) {
            return RowPair{static_cast<std::uint16_t>(row.row), inner(row)};
        },
        nullptr);
    addAll(
        down, 2,
        [&](const ExpertRow& row) {
            return RowPair{inner(row), inner(row)};
        },
        m_memory.outputs.data());
}

void CudaBackend::runExperts(int layer, std::span<const ExpertCall> calls) {
    if (tokenCount() == 1)
        runTiles<1>(layer, calls);
    else
        runTiles<kTileTokens>(layer, calls);
    for (const ExpertCall& call : calls)
        m_slots.note(call.slot);
    m_slots.mark(m_stream);
}

void CudaBackend::runInPlace(trace::ExpertKey key, std::span<const ExpertRow> rows) {
    if (!m_inPlace) {
        m_inPlace.emplace(m_experts, m_config, kMostPassTokens, m_options.threads)
            .take(m_memory.normed.view().values, tokenCount(), m_stream);
        waitForCompute();
    }
    m_inPlace->run(key, rows, m_memory.outputs.data(), m_stream);
}

template <int Most>
void CudaBackend::sumRows(ExpertSum<Most>& sum, int rows, std::span<const float> weights, int stride,
                          std::span<const int> kept) const {
    sum.outputs = m_memory.outputs.data();
    sum.ranks = m_config.topK;
    for (int row = 0; row < rows; ++row) {
        const auto token = static_cast<std::size_t>(sum.firstRow + row);
        sum.kept[row] = static_cast<std::uint8_t>(kept[token]);
        std::copy_n(weights.begin() + static_cast<std::ptrdiff_t>(token) * stride, kept[token],
                    sum.weights + row * m_config.topK);
    }
}

void CudaBackend::combine(int, std::span<const float> weights, int stride, std::span<const int> kept) {
    if (tokenCount() == 1)
        return sumRows(m_pending, 1, weights, stride, kept);
    const int together = kManyWeights / m_config.topK;
    ExpertSum<kManyWeights> sum;
    for (sum.firstRow = 0; sum.firstRow < tokenCount(); sum.firstRow += together) {
        const int rows = std::min(together, tokenCount() - sum.firstRow);
        sumRows(sum, rows, weights, stride, kept);
        launchCombine(m_memory.hidden.data(), m_config.hidden, rows, sum, m_stream.get());
    }
}

bool CudaBackend::beginResident(const ResidentRouting& routing) {
    if (tokenCount() != 1 || !attendsInOneLaunch(m_shape) || m_config.experts > kMostExperts)
        return false;
    m_isResident = true;
    m_resident.begin(routing, m_number, m_stream);
    if (!m_loaded || routing.attributed)
        return true;
    m_isRecorded = m_graphs.has(graphKey());
    if (!m_isRecorded)
        m_graphs.record(graphKey(), m_stream);
    return true;
}

PassGraphs::Key CudaBackend::graphKey() const {
    return {m_shape.firstPosition / kChunkPositions, m_resident.targets(0)};
}

Mark CudaBackend::markOf(int layer, ResidentPass::Stage stage) const {
    return m_isResident && layer >= 0 ? m_resident.mark(layer, stage, &m_memory.token()->number) : Mark{};
}

void CudaBackend::chooseExperts(int layer) {
    if (m_isRecorded)
        return;
    const NormCall norm = normOf(m_dense.layer(layer).expertNorm, markOf(layer, ResidentPass::Stage::Attention));
    addRouters(layer, m_resident.targets(layer), &CudaBackend::chosenFrom, &norm);
}

void CudaBackend::runChosen(int layer) {
    if (m_isRecorded)
        return;
    const auto& parts = m_experts.layer(layer).parts;
    const auto callOf = [&](std::size_t part, const ActivationView& input, float* out) {
        const DeviceMatrix& matrix = parts[part].matrix;
        TileCall<1> call{};
        call.input = input;
        call.rowBytes = matrix.rowBytes;
        call.tiles = m_config.topK;
        call.mostRows = matrix.rows;
        call.chosen = m_resident.chosen();
        call.slotBytes = m_slots.slotBytes();
        for (int rank = 0; rank < m_config.topK; ++rank) {
            const auto index = static_cast<std::uint16_t>(rank);
            call.tile[rank] = {m_slots.data(0) + parts[part].offset, out, matrix.rows, index, 1};
            call.pair[rank] = {part == 0 ? std::uint16_t{0} : index, index};
        }
        return call;
    };
    launchGateUp(parts[0].matrix.type, callOf(0, m_memory.normed.view(), nullptr), parts[1].offset, m_memory.inner.view(),
                 m_stream.get(), m_resident.choice(layer, &m_memory.token()->number));
    launchProduct(parts[2].matrix.type, callOf(2, m_memory.inner.view(), m_memory.outputs.data()), m_config.hidden, false,
                  m_stream.get());
    m_pending.outputs = m_memory.outputs.data();
    m_pending.ranks = m_config.topK;
    m_pending.kept[0] = static_cast<std::uint8_t>(m_config.topK);
    m_pending.chosen = m_resident.weights();
}

void CudaBackend::endResident() {
    if (!m_isRecorded) {
        finish();
        queueHead(0);
        queueFinalNorm(0);
    }
    const bool recorded = m_graphs.recording();
    if (recorded)
        m_graphs.keep(m_stream);
    if (recorded || m_isRecorded)
        m_graphs.run(graphKey(), m_stream);
    m_finished = m_loaded = true;
    m_slots.noteAll();
    m_slots.mark(m_stream);
}

void CudaBackend::awaitStage(int layer, trace::Stage stage) {
    if (m_isResident)
        m_resident.await(
            layer, stage == trace::Stage::Attention ? ResidentPass::Stage::Attention : ResidentPass::Stage::Experts, m_stream);
}

void CudaBackend::finish() {
    if (!m_finished)
        normalise(m_dense.finalNorm(), markOf(m_config.layers - 1, ResidentPass::Stage::Experts));
    m_finished = true;
}

void CudaBackend::queueFinalNorm(int row) {
    check(cudaMemcpyAsync(m_memory.embedded.data(),
                          m_memory.normed.view().values + static_cast<std::ptrdiff_t>(row) * m_config.hidden,
                          static_cast<std::size_t>(m_config.hidden) * sizeof(float), cudaMemcpyDeviceToHost, m_stream.get()),
          "give the last activation");
}

void CudaBackend::queueHead(int row) {
    TileCall<1> call{};
    const DeviceMatrix& head = m_dense.head();
    call.input = m_memory.normed.view();
    call.rowBytes = head.rowBytes;
    call.tiles = 1;
    call.mostRows = head.rows;
    call.tile[0] = {head.data, m_memory.scores.data(), head.rows, 0, 1};
    call.pair[0] = {static_cast<std::uint16_t>(row), 0};
    launchProduct(head.type, call, head.rows, false, m_stream.get());
    check(cudaMemcpyAsync(m_memory.hostScores.data(), m_memory.scores.data(),
                          static_cast<std::size_t>(m_config.vocabulary) * sizeof(float), cudaMemcpyDeviceToHost,
                          m_stream.get()),
          "give the logits");
}

bool CudaBackend::finalNorm(int row, std::span<float> out) {
    if (!m_isResident) {
        finish();
        queueFinalNorm(row);
    }
    waitForCompute();
    std::copy_n(m_memory.embedded.data(), out.size(), out.begin());
    return true;
}

void CudaBackend::logits(int row, std::span<float> out) {
    if (!m_isResident) {
        finish();
        queueHead(row);
    }
    waitForCompute();
    std::copy_n(m_memory.hostScores.data(), out.size(), out.begin());
}

} // namespace
} // namespace cuda

std::optional<std::string> cudaProblem() {
    return cuda::gpuProblem();
}

std::unique_ptr<Backend> makeCudaBackend(const model::GgufFile& file, const model::ModelConfig& config,
                                         const CudaOptions& options) {
    return std::make_unique<cuda::CudaBackend>(file, config, options);
}

} // namespace moescope::backend
