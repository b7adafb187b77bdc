#pragma once
// A few lines that make a run's events, so that a test reads like the run it is about.
#include "engine/trace/routing_payload.h"
#include "profiler/session/batch.h"
#include "profiler/session/session_info.h"

#include <memory>
#include <string_view>

namespace moescope::test {

/// Collects events into batches, as the recorder would number them. Time moves on by 1000 ns per event unless told.
class ScriptedRun {
public:
    explicit ScriptedRun(int layers, int experts) : m_layers(layers), m_experts(experts) {}

    std::shared_ptr<session::SessionInfo> info() const {
        auto info = std::make_shared<session::SessionInfo>();
        info->id = "00112233445566778899aabbccddeeff";
        info->title = "script";
        info->createdUtc = "2025-01-01T00:00:00Z";
        info->programVersion = "0.1.0";
        info->model.name = "scripted";
        info->model.layers = m_layers;
        info->model.experts = m_experts;
        info->model.topK = 2;
        info->model.expertBytes = 100;
        info->settings = {{"gate", "topk"}, {"link", "none"}};
        return info;
    }

    trace::TimeNs now = 0;
    void add(const trace::Event& event, std::string_view payload = {}) { addBytes(event, trace::asPayload(payload)); }
    void addBytes(const trace::Event& event, trace::Payload payload) {
        m_batch.append(++m_seq, event, payload);
        now += 1000;
    }

    /// The router's decision. weights as float; the gate is made of them, the rest uniform nothing.
    void choose(int token, int layer, std::vector<std::uint16_t> ids, std::vector<float> weights, int kept,
                trace::Phase phase = trace::Phase::Decode, std::vector<float> predicted = {}) {
        trace::ExpertsChosen e;
        e.at = now;
        e.token = trace::TokenIndex(token);
        e.layer = trace::Layer(layer);
        e.phase = phase;
        e.candidates = static_cast<std::uint8_t>(ids.size());
        e.kept = static_cast<std::uint8_t>(kept);
        e.predictedDepths = predicted.empty() ? 0 : 1;
        e.experts = static_cast<std::uint16_t>(m_experts);
        std::vector<float> gate(static_cast<std::size_t>(m_experts), 0.0F);
        for (std::size_t i = 0; i < ids.size(); ++i)
            gate[ids[i]] = weights[i];
        std::vector<std::byte> bytes(trace::routingPayloadBytes(e));
        trace::encodeRouting(e, ids, weights, gate, predicted, bytes);
        addBytes(e, bytes);
    }
    void hit(int token, int layer, int expert) {
        add(trace::ExpertHit{now, trace::TokenIndex(token), trace::expertKey(layer, expert)});
    }
    void miss(int token, int layer, int expert) {
        add(trace::ExpertMissed{now, trace::TokenIndex(token), trace::expertKey(layer, expert), false});
    }
    void transfer(int token, int layer, int expert, trace::TransferCause cause, std::int64_t bytes, int id,
                  trace::TimeNs duration = 500) {
        trace::TransferSpan e;
        e.begin = now;
        e.end = now + duration;
        e.queuedAt = now;
        e.token = trace::TokenIndex(token);
        e.key = trace::expertKey(layer, expert);
        e.transfer = trace::TransferId(id);
        e.cause = cause;
        e.bytes = bytes;
        add(e);
    }
    void stage(trace::Stage stage, int token, int tokens, trace::TimeNs begin, trace::TimeNs end,
               trace::Phase phase = trace::Phase::Decode, int layer = -1) {
        add(trace::StageSpan{begin, end, trace::TokenIndex(token), tokens, trace::Layer(layer), stage, phase});
    }

    session::Batch take() {
        session::Batch batch = std::move(m_batch);
        m_batch = {};
        batch.number = ++m_number;
        batch.committedAt = now;
        return batch;
    }

private:
    int m_layers;
    int m_experts;
    session::Batch m_batch;
    std::int64_t m_seq = 0;
    std::int64_t m_number = 0;
};

} // namespace moescope::test
