#include "engine/backend/cuda/resident_pass.h"

#include "engine/backend/cuda/pass_memory.h"

#include <algorithm>
#include <atomic>
#include <stdexcept>

namespace moescope::backend::cuda {
namespace {

constexpr int kLooksBetweenQuestions = 4096; // at a mark, before the driver is asked whether the device still works

std::size_t count(int a, int b, int c = 1) {
    return static_cast<std::size_t>(a) * static_cast<std::size_t>(b) * static_cast<std::size_t>(c);
}

} // namespace

ResidentPass::ResidentPass(const model::ModelConfig& config)
    : m_layers(config.layers), m_experts(config.experts), m_topK(config.topK), m_slots(count(m_layers, m_experts)),
      m_logits(count(PassMemory::kTargets, m_experts)), m_chosen(count(m_topK, 1)), m_weights(count(m_topK, 1)),
      m_sent(count(m_layers, m_experts)), m_told(count(m_layers, PassMemory::kTargets, m_experts)),
      m_marks(count(m_layers, kStages)) {
    std::fill_n(m_marks.data(), count(m_layers, kStages), 0U);
    std::fill_n(m_told.data(), count(m_layers, PassMemory::kTargets, m_experts), Told{});
}

void ResidentPass::begin(const ResidentRouting& routing, std::uint32_t number, const Stream& stream) {
    m_number = number;
    m_rule = routing.rule;
    m_depths = std::clamp(routing.depths, 0, PassMemory::kTargets - 1);
    if (std::equal(routing.slots.begin(), routing.slots.end(), m_known.begin(), m_known.end()))
        return;
    m_known.assign(routing.slots.begin(), routing.slots.end());
    std::copy(m_known.begin(), m_known.end(), m_sent.data());
    check(cudaMemcpyAsync(m_slots.data(), m_sent.data(), m_known.size() * sizeof(std::int32_t), cudaMemcpyHostToDevice,
                          stream.get()),
          "learn where experts lie");
}

int ResidentPass::targets(int layer) const {
    return std::min(m_depths + 1, m_layers - layer);
}

std::size_t ResidentPass::toldAt(int layer, int target) const {
    return count(layer * PassMemory::kTargets + target, m_experts);
}

Mark ResidentPass::mark(int layer, Stage stage, const std::uint32_t* deviceNumber) const {
    return {deviceNumber, word(layer, stage)};
}

ChooseCall ResidentPass::choice(int layer, const std::uint32_t* deviceNumber) const {
    return {.logits = m_logits.data(),
            .experts = m_experts,
            .targets = targets(layer),
            .topK = m_topK,
            .renormalise = m_rule.renormalise,
            .slots = m_slots.data() + count(layer, m_experts),
            .chosen = m_chosen.data(),
            .weights = m_weights.data(),
            .told = m_told.data() + toldAt(layer, 0),
            .number = deviceNumber};
}

template <class Arrived>
void ResidentPass::await(const Stream& stream, const Arrived& arrived) const {
    for (int looks = 1; !arrived(); ++looks) {
        if (looks % kLooksBetweenQuestions != 0)
            continue;
        const cudaError_t state = cudaStreamQuery(stream.get());
        if (state == cudaErrorNotReady)
            continue;
        check(state, "compute");
        if (!arrived())
            throw std::logic_error("The GPU came to rest without a mark that was to be set.");
    }
}

void ResidentPass::await(int layer, Stage stage, const Stream& stream) const {
    const std::atomic_ref<std::uint32_t> reached(*word(layer, stage));
    await(stream, [&] { return reached.load(std::memory_order_acquire) == m_number; });
}

void ResidentPass::copyTold(int layer, int target, const Stream& stream, std::span<float> logits) const {
    if (target < 0 || target >= targets(layer))
        throw std::logic_error("A layer's router was not asked as far ahead as is wanted now.");
    Told* told = m_told.data() + toldAt(layer, target);
    for (float& logit : logits) {
        const std::atomic_ref<Told> next(*told++);
        Told now{};
        await(stream, [&] {
            now = next.load(std::memory_order_acquire);
            return now.number == m_number;
        });
        logit = now.logit;
    }
}

} // namespace moescope::backend::cuda
