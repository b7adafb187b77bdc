#pragma once
#include "engine/backend/cpu/cpu_backend.h"
#include "engine/policy/gate_policy.h"

#include <algorithm>
#include <functional>
#include <numeric>

namespace moescope::tests {

/// Drives a backend through whole passes with every expert in its own slot: what the decoder does, without cache and events.
class BackendRunner {
public:
    BackendRunner(const model::GgufFile& file, const model::ModelConfig& config, const backend::CpuOptions& options)
        : BackendRunner(config, backend::makeCpuBackend(file, config, options)) {}
    BackendRunner(const model::ModelConfig& config, std::unique_ptr<backend::Backend> backend)
        : m_config(config), m_backend(std::move(backend)) {
        m_backend->reserveSlots(config.layers * config.experts);
        for (int layer = 0; layer < config.layers; ++layer)
            for (int expert = 0; expert < config.experts; ++expert)
                load(trace::expertKey(layer, expert), slot(layer, expert));
    }

    bool inParts = false; ///< each expert's first part, then the rest
    /// Which experts run in place; none if empty.
    std::function<bool(trace::ExpertKey)> inPlace;

    backend::Backend& backend() { return *m_backend; }
    int slot(int layer, int expert) const { return layer * m_config.experts + expert; }
    std::int64_t load(trace::ExpertKey key, int slot) {
        std::int64_t bytes = 0;
        for (int block = 0; block < m_backend->blocks(key); ++block)
            bytes += m_backend->loadBlock(key, slot, block);
        return bytes;
    }

    /// Logits after every token, which are read in passes of `passTokens` from position 0 on.
    std::vector<std::vector<float>> run(const std::vector<std::int32_t>& tokens, int passTokens) {
        std::vector<std::vector<float>> logits;
        m_router.assign(static_cast<std::size_t>(m_config.layers), {});
        for (std::size_t at = 0; at < tokens.size(); at += static_cast<std::size_t>(passTokens)) {
            std::vector<backend::PassToken> pass;
            for (std::size_t i = at; i < std::min(tokens.size(), at + static_cast<std::size_t>(passTokens)); ++i)
                pass.push_back({tokens[i], static_cast<std::int32_t>(i)});
            m_backend->beginPass(pass);
            for (int layer = 0; layer < m_config.layers; ++layer)
                runLayer(layer, static_cast<int>(pass.size()));
            for (int row = 0; row < static_cast<int>(pass.size()); ++row) {
                logits.emplace_back(static_cast<std::size_t>(m_config.vocabulary));
                m_backend->logits(row, logits.back());
            }
        }
        return logits;
    }
    /// The same, one token per pass, the backend choosing the experts. Empty if it cannot.
    std::vector<std::vector<float>> runResident(const std::vector<std::int32_t>& tokens, bool attributed) {
        std::vector<std::vector<float>> logits;
        std::vector<int> slots(static_cast<std::size_t>(m_config.layers * m_config.experts));
        std::iota(slots.begin(), slots.end(), 0);
        m_router.assign(static_cast<std::size_t>(m_config.layers), {});
        for (std::size_t at = 0; at < tokens.size(); ++at) {
            const backend::PassToken token{tokens[at], static_cast<std::int32_t>(at)};
            m_backend->beginPass({&token, 1});
            if (!m_backend->beginResident({slots, {m_config.topK, m_config.renormaliseWeights}, 1, attributed}))
                return {};
            for (int layer = 0; layer < m_config.layers; ++layer) {
                m_backend->attend(layer);
                m_backend->chooseExperts(layer);
                m_backend->runChosen(layer);
            }
            m_backend->endResident();
            for (int layer = 0; layer < m_config.layers; ++layer) {
                std::vector<float> gate(static_cast<std::size_t>(m_config.experts));
                m_backend->awaitStage(layer, trace::Stage::Attention);
                m_backend->route(layer, gate);
                policy::topKChoice(gate, {m_config.topK, m_config.renormaliseWeights}, gate);
                m_router[static_cast<std::size_t>(layer)].push_back(gate);
                m_backend->awaitStage(layer, trace::Stage::Experts);
            }
            logits.emplace_back(static_cast<std::size_t>(m_config.vocabulary));
            m_backend->logits(0, logits.back());
        }
        return logits;
    }
    /// Softmax of the router, [layer][position][experts], of the last run().
    const std::vector<std::vector<std::vector<float>>>& router() const { return m_router; }

private:
    void runLayer(int layer, int tokens) {
        const auto experts = static_cast<std::size_t>(m_config.experts);
        std::vector<float> scores(static_cast<std::size_t>(tokens) * experts);
        std::vector<float> weights(static_cast<std::size_t>(tokens * m_config.topK));
        std::vector<int> kept;
        std::vector<std::vector<backend::ExpertRow>> rows(experts);
        m_backend->attend(layer);
        m_backend->route(layer, scores);
        for (int row = 0; row < tokens; ++row) {
            std::vector<float> gate(experts);
            const auto choice = policy::topKChoice(std::span(scores).subspan(static_cast<std::size_t>(row) * experts, experts),
                                                   {m_config.topK, m_config.renormaliseWeights}, gate);
            kept.push_back(choice.kept);
            for (int rank = 0; rank < choice.kept; ++rank) {
                weights[static_cast<std::size_t>(row * m_config.topK + rank)] = choice.weights[static_cast<std::size_t>(rank)];
                rows[choice.ids[static_cast<std::size_t>(rank)]].push_back({row, rank});
            }
            m_router[static_cast<std::size_t>(layer)].push_back(gate);
        }
        std::vector<backend::ExpertCall> calls;
        std::vector<trace::ExpertKey> waiting;
        for (std::size_t expert = 0; expert < experts; ++expert) {
            const auto key = trace::expertKey(layer, static_cast<int>(expert));
            if (rows[expert].empty())
                continue;
            if (inPlace && inPlace(key))
                waiting.push_back(key);
            else
                calls.push_back({slot(layer, static_cast<int>(expert)), rows[expert], expert::ExpertPart::Whole});
        }
        if (inParts)
            for (const auto part : {expert::ExpertPart::First, expert::ExpertPart::Rest})
                for (backend::ExpertCall call : calls) {
                    call.part = part;
                    m_backend->runExperts(layer, {&call, 1});
                }
        else
            m_backend->runExperts(layer, calls);
        for (const trace::ExpertKey key : waiting)
            m_backend->runInPlace(key, rows[static_cast<std::size_t>(key.expert.value)]);
        m_backend->combine(layer, weights, m_config.topK, kept);
    }

    model::ModelConfig m_config;
    std::unique_ptr<backend::Backend> m_backend;
    std::vector<std::vector<std::vector<float>>> m_router;
};

} // namespace moescope::tests
