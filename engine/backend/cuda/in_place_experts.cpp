#include "engine/backend/cuda/in_place_experts.h"

#include "engine/backend/cuda/swiglu.h"

#include <algorithm>

namespace moescope::backend::cuda {
namespace {

constexpr std::size_t kGate = 0;
constexpr std::size_t kUp = 1;
constexpr std::size_t kDown = 2;

// Shares are taken as threads get free, because a machine's cores are seldom all there: 32 inner columns at a time, whose
// weights are some 100 KB, and as much of the output.
constexpr int kUnitsAtOnce = 1;
constexpr int kOutputsAtOnce = 32;

std::size_t countOf(int rows, int columns) {
    return static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
}

} // namespace

InPlaceExperts::InPlaceExperts(const HostExperts& experts, const model::ModelConfig& config, int rows, int threads)
    : m_experts(experts), m_hidden(config.hidden), m_width(config.expertWidth), m_topK(config.topK),
      m_pool(std::max(1, threads - 2)), m_inputs(countOf(rows, config.hidden)),
      m_outputs(countOf(rows * config.topK, config.hidden)), m_normed(kTogether, config.hidden),
      m_inner(kTogether, config.expertWidth) {}

/// Where its output begins.
std::size_t InPlaceExperts::outputAt(const ExpertRow& row) const {
    return countOf(row.row * m_topK + row.rank, m_hidden);
}

void InPlaceExperts::take(const float* inputs, int rows, const Stream& stream) {
    check(
        cudaMemcpyAsync(m_inputs.data(), inputs, countOf(rows, m_hidden) * sizeof(float), cudaMemcpyDeviceToHost, stream.get()),
        "give the gate input");
}

void InPlaceExperts::run(trace::ExpertKey key, std::span<const ExpertRow> rows, float* outputs, const Stream& stream) {
    for (; !rows.empty(); rows = rows.subspan(std::min<std::size_t>(kTogether, rows.size()))) {
        const auto together = rows.first(std::min<std::size_t>(kTogether, rows.size()));
        runTogether(key, together);
        for (const ExpertRow& row : together)
            check(cudaMemcpyAsync(outputs + outputAt(row), m_outputs.data() + outputAt(row),
                                  countOf(1, m_hidden) * sizeof(float), cudaMemcpyHostToDevice, stream.get()),
                  "take an expert's output");
    }
}

void InPlaceExperts::prepare(const HostExperts::Part& part, const Activations& from, int tokens) {
    for (int token = 0; token < tokens; ++token)
        m_arranged[static_cast<std::size_t>(token)].arrange(part.matrix.type, part.matrix.columns, from.row(token));
}

template <class Job>
void InPlaceExperts::shareOut(int items, int atOnce, const Job& job) {
    m_next.store(0, std::memory_order_relaxed);
    m_pool.run([&](int, int) {
        for (int begin = m_next.fetch_add(atOnce); begin < items; begin = m_next.fetch_add(atOnce))
            for (int item = begin; item < std::min(items, begin + atOnce); ++item)
                job(item);
    });
}

void InPlaceExperts::runTogether(trace::ExpertKey key, std::span<const ExpertRow> rows) {
    const auto& parts = m_experts.layer(key.layer.value).parts;
    const auto tokens = static_cast<int>(rows.size());
    for (int token = 0; token < tokens; ++token) {
        const float* from = m_inputs.data() + countOf(rows[static_cast<std::size_t>(token)].row, m_hidden);
        std::copy_n(from, m_hidden, m_normed.values(token));
        m_normed.quantise(token, 0, m_hidden);
    }
    prepare(parts[kGate], m_normed, tokens);
    shareOut(m_width / kBlockColumns, kUnitsAtOnce, [&](int unit) { computeInner(key, unit, tokens); });
    prepare(parts[kDown], m_inner, tokens);
    shareOut(m_hidden, kOutputsAtOnce, [&](int row) { computeOutput(key, row, rows); });
}

void InPlaceExperts::computeInner(trace::ExpertKey key, int unit, int tokens) {
    thread_local std::vector<std::byte> gateRow;
    thread_local std::vector<std::byte> upRow;
    const int first = unit * kBlockColumns;
    for (int row = first; row < first + kBlockColumns; ++row) {
        const std::byte* gate = m_experts.row(key, kGate, row, gateRow);
        const std::byte* up = m_experts.row(key, kUp, row, upRow);
        for (int token = 0; token < tokens; ++token) {
            const RowInput& input = m_arranged[static_cast<std::size_t>(token)];
            m_inner.values(token)[row] = swiGlu(input.dot(gate), input.dot(up));
        }
    }
    for (int token = 0; token < tokens; ++token)
        m_inner.quantise(token, first, kBlockColumns);
}

void InPlaceExperts::computeOutput(trace::ExpertKey key, int row, std::span<const ExpertRow> rows) {
    thread_local std::vector<std::byte> downRow;
    const std::byte* down = m_experts.row(key, kDown, row, downRow);
    for (std::size_t token = 0; token < rows.size(); ++token)
        m_outputs.data()[outputAt(rows[token]) + static_cast<std::size_t>(row)] = m_arranged[token].dot(down);
}

} // namespace moescope::backend::cuda
