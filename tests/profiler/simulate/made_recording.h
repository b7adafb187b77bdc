#pragma once
// Recordings made by hand: who is chosen is up to the test, every stage takes the same time.
#include "profiler/simulate/simulate.h"

#include <random>

namespace moescope::simulate {

struct MadeModel {
    int layers = 2;
    int experts = 8;
    int topK = 2;
    std::int64_t expertBytes = 1'000'000;
};

/// [token][layer][rank]
using Choices = std::vector<std::vector<std::vector<int>>>;

inline session::SessionInfo madeInfo(const MadeModel& model) {
    session::SessionInfo info;
    info.id = "0123456789abcdef0123456789abcdef";
    info.title = "made";
    info.model.layers = model.layers;
    info.model.experts = model.experts;
    info.model.topK = model.topK;
    info.model.expertBytes = model.expertBytes;
    info.settings = {{"gate", "topk"}, {"cache", "lru"}, {"cache-experts", "0"}, {"link", "pcie3x16"}};
    info.sensitivity.assign(static_cast<std::size_t>(model.layers), 1.0);
    return info;
}

/// Weights fall with the rank: 2/3, 1/3 for two. The gate's softmax says the same; the next layer is foreseen as chosen.
class RecordingMaker {
public:
    static constexpr trace::TimeNs kStage = 10'000;

    explicit RecordingMaker(const MadeModel& model, session::SessionInfo info)
        : m_model(model), m_builder(std::move(info), "made.moescope") {
        m_builder.add(trace::SlotsAllocated{.at = 0, .layer = {}, .slots = model.layers * model.experts}, {});
    }

    void prompt(int tokens) {
        m_builder.add(
            trace::PromptBegan{
                .at = m_now, .turn = trace::TurnIndex(0), .firstToken = trace::TokenIndex(0), .promptTokens = tokens},
            trace::asPayload("?"));
    }
    /// One pass over the rows [row][layer][rank]; decode when there is one row.
    /// foreseen: what the extra gate made of the token before for the first layer, most probable first; or empty.
    void pass(const Choices& rows, bool emitted = true, std::vector<int> foreseen = {}) {
        m_foreseen = std::move(foreseen);
        const trace::TokenIndex first(m_token);
        const auto count = static_cast<std::int32_t>(rows.size());
        const trace::Phase phase = count > 1 ? trace::Phase::Prefill : trace::Phase::Decode;
        const trace::TimeNs begin = m_now;
        const auto stage = [&](trace::Stage which, int layer) {
            const trace::TimeNs from = m_now;
            m_now += kStage;
            m_builder.add(trace::StageSpan{.begin = from,
                                           .end = m_now,
                                           .token = first,
                                           .tokens = count,
                                           .layer = trace::Layer(layer),
                                           .stage = which,
                                           .phase = phase},
                          {});
        };
        for (int layer = 0; layer < m_model.layers; ++layer) {
            stage(trace::Stage::Attention, layer);
            for (int row = 0; row < count; ++row)
                choice(rows[static_cast<std::size_t>(row)], layer, first.value + row, phase);
            stage(trace::Stage::Router, layer);
            stage(trace::Stage::Experts, layer);
        }
        stage(trace::Stage::Output, -1);
        m_builder.add(trace::StageSpan{.begin = begin,
                                       .end = m_now,
                                       .token = first,
                                       .tokens = count,
                                       .layer = {},
                                       .stage = trace::Stage::Step,
                                       .phase = phase},
                      {});
        m_token += count;
        if (emitted)
            m_builder.add(trace::TokenEmitted{.at = m_now, .turn = trace::TurnIndex(0), .token = trace::TokenIndex(m_token)},
                          trace::asPayload("x"));
    }
    void change(std::string_view name, std::string_view value) {
        std::string text(name);
        text += '\0';
        text += '\0';
        text += value;
        m_builder.add(trace::SettingChanged{.at = m_now, .token = trace::TokenIndex(m_token)}, trace::asPayload(text));
    }
    RecordingBuilder& builder() { return m_builder; }
    Recording finish() { return m_builder.finish(); }

private:
    void choice(const std::vector<std::vector<int>>& layers, int layer, int token, trace::Phase phase) {
        const auto& ids = layers[static_cast<std::size_t>(layer)];
        const auto experts = static_cast<std::size_t>(m_model.experts);
        const bool last = layer + 1 == m_model.layers;
        const bool own = layer == 0 && !m_foreseen.empty();
        const trace::ExpertsChosen event{.at = m_now,
                                         .token = trace::TokenIndex(token),
                                         .layer = trace::Layer(layer),
                                         .phase = phase,
                                         .candidates = static_cast<std::uint8_t>(ids.size()),
                                         .kept = static_cast<std::uint8_t>(ids.size()),
                                         .predictedDepths =
                                             static_cast<std::uint8_t>((last ? 0 : 1) | (own ? trace::kForeseen : 0)),
                                         .experts = static_cast<std::uint16_t>(m_model.experts)};
        std::vector<std::uint16_t> chosen(ids.begin(), ids.end());
        const std::vector<float> gate = softmax(ids);
        std::vector<float> weights;
        float sum = 0;
        for (const int id : ids)
            sum += gate[static_cast<std::size_t>(id)];
        for (const int id : ids)
            weights.push_back(gate[static_cast<std::size_t>(id)] / sum);
        std::vector<float> predicted = last ? std::vector<float>() : softmax(layers[static_cast<std::size_t>(layer) + 1]);
        if (own) {
            const std::vector<float> row = softmax(m_foreseen);
            predicted.insert(predicted.end(), row.begin(), row.end());
        }
        std::vector<std::byte> payload(trace::routingPayloadBytes(event));
        trace::encodeRouting(event, chosen, weights, std::span(gate).first(experts), predicted, payload);
        m_builder.add(event, payload);
    }
    std::vector<float> softmax(const std::vector<int>& ids) const {
        constexpr float kRest = 0.1F;
        std::vector<float> gate(static_cast<std::size_t>(m_model.experts),
                                kRest / static_cast<float>(m_model.experts - static_cast<int>(ids.size())));
        float all = 0;
        for (std::size_t rank = 0; rank < ids.size(); ++rank)
            all += static_cast<float>(ids.size() - rank);
        for (std::size_t rank = 0; rank < ids.size(); ++rank)
            gate[static_cast<std::size_t>(ids[rank])] = (1 - kRest) * static_cast<float>(ids.size() - rank) / all;
        return gate;
    }

    MadeModel m_model;
    RecordingBuilder m_builder;
    trace::TimeNs m_now = 1000;
    int m_token = 0;
    std::vector<int> m_foreseen;
};

/// Choices with some locality: an expert of the token before stays with probability 0.4.
inline Choices randomChoices(const MadeModel& model, int tokens, unsigned seed) {
    std::mt19937 random(seed);
    Choices choices;
    for (int token = 0; token < tokens; ++token) {
        std::vector<std::vector<int>> layers;
        for (int layer = 0; layer < model.layers; ++layer) {
            std::vector<int> ids;
            while (static_cast<int>(ids.size()) < model.topK) {
                const bool stay = token > 0 && random() % 10 < 4;
                const int id =
                    stay ? choices.back()[static_cast<std::size_t>(layer)][random() % static_cast<unsigned>(model.topK)]
                         : static_cast<int>(random() % static_cast<unsigned>(model.experts));
                if (std::find(ids.begin(), ids.end(), id) == ids.end())
                    ids.push_back(id);
                else if (stay)
                    continue;
            }
            layers.push_back(ids);
        }
        choices.push_back(layers);
    }
    return choices;
}

/// One pass per token.
inline Recording decoded(const MadeModel& model, const Choices& choices, session::SessionInfo info) {
    RecordingMaker maker(model, std::move(info));
    maker.prompt(1);
    for (const auto& token : choices)
        maker.pass({token});
    return maker.finish();
}
inline Recording decoded(const MadeModel& model, const Choices& choices) {
    return decoded(model, choices, madeInfo(model));
}

inline Scenario scenario(std::initializer_list<std::pair<const char*, std::string>> changes) {
    Scenario made;
    for (const auto& [name, value] : changes)
        made.set(name, value);
    return made;
}

/// Every event with its payload, in order.
class EventLog final : public trace::Tracer {
public:
    struct Entry {
        trace::Event event;
        std::vector<std::byte> payload;
    };
    void emit(const trace::Event& event, trace::Payload payload) noexcept override {
        entries.push_back({event, {payload.begin(), payload.end()}});
    }
    std::vector<Entry> entries;
};

} // namespace moescope::simulate
