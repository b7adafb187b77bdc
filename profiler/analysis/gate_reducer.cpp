#include "profiler/analysis/gate_reducer.h"

#include "profiler/analysis/experts_for_share.h"
#include "profiler/analysis/reducer_limits.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

namespace moescope::analysis {
namespace {

constexpr std::size_t kPredictions = 1024;

/// The u16 values of a routing payload (routing_payload.h), copied out because the bytes are not aligned.
std::vector<std::uint16_t> wordsOf(trace::Payload payload) {
    std::vector<std::uint16_t> words(payload.size() / 2);
    std::memcpy(words.data(), payload.data(), words.size() * 2);
    return words;
}

float entropyOf(std::span<const std::uint16_t> gate) {
    float entropy = 0;
    for (const std::uint16_t bits : gate)
        if (const float p = trace::fromHalf(bits); p > 0)
            entropy -= p * std::log(p);
    return entropy;
}

void fillShares(ChoiceRecord& choice) {
    float total = 0;
    float largest = 0;
    float dropped = 0;
    for (std::size_t i = 0; i < choice.candidates; ++i) {
        const float weight = trace::fromHalf(choice.weights[i]);
        total += weight;
        largest = std::max(largest, weight);
        if (i >= choice.kept)
            dropped += weight;
    }
    if (!(total > 0))
        return;
    choice.droppedShare = dropped / total;
    choice.secondShare = (total - largest) / total;
}

} // namespace

GateReducer::Prediction& GateReducer::predictionOf(trace::TokenIndex token) {
    if (m_predictions.empty())
        m_predictions.resize(kPredictions);
    return m_predictions[static_cast<std::size_t>(token.value) % kPredictions];
}

void GateReducer::on(const trace::ExpertsChosen& e, trace::Payload payload, Snapshot& s) {
    const bool sound = e.layer.valid() && e.layer.value < s.layers && e.experts == s.experts && e.kept <= e.candidates &&
                       e.candidates <= trace::kMaxTopK && payload.size() == trace::routingPayloadBytes(e) &&
                       plausible(e.token, s.tokens.size());
    if (!sound)
        return;
    const std::vector<std::uint16_t> words = wordsOf(payload);
    const auto all = std::span<const std::uint16_t>(words);
    const std::size_t k = e.candidates;
    ChoiceRecord choice;
    choice.candidates = e.candidates;
    choice.kept = e.kept;
    choice.phase = e.phase;
    std::copy_n(all.begin(), k, choice.ids.begin());
    std::copy_n(all.begin() + static_cast<std::ptrdiff_t>(k), k, choice.weights.begin());
    for (std::size_t i = 0; i < k; ++i)
        if (choice.ids[i] >= s.experts)
            return;
    fillShares(choice);
    choice.gateEntropy = entropyOf(all.subspan(2 * k, e.experts));
    const auto row = [&](int index) { return all.subspan(2 * k + static_cast<std::size_t>(index) * e.experts, e.experts); };
    const int depths = trace::depthsOf(e);
    if (trace::hasForeseen(e))
        notePrediction(e, e.layer.value, row(1 + depths));
    comparePrediction(e, choice, s.layerLives[static_cast<std::size_t>(e.layer.value)]);
    if (depths > 0)
        notePrediction(e, e.layer.value + 1, row(1));
    count(e, choice, s);
    const auto layers = static_cast<std::size_t>(s.layers);
    const auto token = static_cast<std::size_t>(e.token.value);
    while (s.choices.size() < (token + 1) * layers)
        s.choices.push({});
    s.choices.replace(token * layers + static_cast<std::size_t>(e.layer.value), choice);
}

void GateReducer::comparePrediction(const trace::ExpertsChosen& e, ChoiceRecord& choice, LayerRecord& layer) {
    const Prediction& prediction = predictionOf(e.token);
    choice.predictedHits = 0xffff;
    if (prediction.token != e.token || prediction.layer != e.layer.value)
        return;
    const auto end = prediction.ids.begin() + std::min<int>(prediction.count, e.candidates);
    choice.predictedHits = 0;
    for (std::size_t i = 0; i < e.candidates; ++i)
        if (std::find(prediction.ids.begin(), end, choice.ids[i]) != end)
            ++choice.predictedHits;
    layer.predictedSlots += e.candidates;
    layer.predictedHits += choice.predictedHits;
    // The summary's figure is the next layer's gate's.
    if (trace::hasForeseen(e))
        return;
    m_predictedSlots += e.candidates;
    m_predictedHits += choice.predictedHits;
}

void GateReducer::notePrediction(const trace::ExpertsChosen& e, std::int32_t layer, std::span<const std::uint16_t> gate) {
    m_order.resize(gate.size());
    std::iota(m_order.begin(), m_order.end(), std::uint16_t{0});
    Prediction& prediction = predictionOf(e.token);
    prediction.token = e.token;
    prediction.layer = layer;
    prediction.count = static_cast<int>(std::min<std::size_t>(e.candidates, gate.size()));
    // Half floats that are not negative compare like their bits.
    std::partial_sort(m_order.begin(), m_order.begin() + prediction.count, m_order.end(),
                      [&](std::uint16_t a, std::uint16_t b) { return gate[a] != gate[b] ? gate[a] > gate[b] : a < b; });
    std::copy_n(m_order.begin(), prediction.count, prediction.ids.begin());
}

void GateReducer::count(const trace::ExpertsChosen& e, const ChoiceRecord& choice, Snapshot& s) {
    s.summary.expertChoices += e.candidates;
    s.summary.expertExecutions += e.kept;
    m_runs.resize(s.expertLives.size());
    for (std::size_t i = 0; i < e.kept; ++i) {
        const std::size_t index = static_cast<std::size_t>(e.layer.value) * static_cast<std::size_t>(s.experts) + choice.ids[i];
        ++m_runs[index];
        s.expertLives[index].lastUsed = e.token;
        s.expertLives[index].lastWeight = trace::fromHalf(choice.weights[i]);
    }
    if (e.phase != trace::Phase::Decode)
        return;
    const bool single = e.candidates > 1 && e.kept == 1;
    LayerRecord& layer = s.layerLives[static_cast<std::size_t>(e.layer.value)];
    ++layer.decisions;
    layer.kept += e.kept;
    layer.single += single ? 1 : 0;
    layer.droppedSum += static_cast<double>(choice.droppedShare);
    layer.secondSum += static_cast<double>(choice.secondShare);
    ++m_decisions;
    m_kept += e.kept;
    m_single += single ? 1 : 0;
    m_entropySum += static_cast<double>(choice.gateEntropy);
}

void GateReducer::derive(const Snapshot& s, Summary& summary) const {
    if (m_decisions > 0) {
        const auto decisions = static_cast<double>(m_decisions);
        summary.meanExpertsPerTokenLayer = static_cast<double>(m_kept) / decisions;
        summary.singleExpertShare = static_cast<double>(m_single) / decisions;
        summary.gateEntropy = m_entropySum / decisions;
    }
    if (m_predictedSlots > 0)
        summary.prefetchRecall = static_cast<double>(m_predictedHits) / static_cast<double>(m_predictedSlots);
    if (m_runs.empty() || s.layers == 0)
        return;
    const auto used = std::count_if(m_runs.begin(), m_runs.end(), [](std::int64_t runs) { return runs > 0; });
    summary.workingSetShare = static_cast<double>(used) / static_cast<double>(m_runs.size());
    const auto experts = static_cast<std::size_t>(s.experts);
    double sum = 0;
    for (std::size_t layer = 0; layer < static_cast<std::size_t>(s.layers); ++layer)
        sum += expertsForShare({m_runs.begin() + static_cast<std::ptrdiff_t>(layer * experts),
                                m_runs.begin() + static_cast<std::ptrdiff_t>((layer + 1) * experts)},
                               0.9);
    summary.expertsFor90 = sum / s.layers;
}

} // namespace moescope::analysis
