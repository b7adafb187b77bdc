#include "profiler/simulate/simulation.h"

#include "engine/policy/gate_choice.h"
#include "profiler/simulate/simulation_scratch.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace moescope::simulate {

using trace::Stage;

namespace {

// Beyond this a session cannot hold the times.
constexpr trace::TimeNs kLongestNs = trace::TimeNs{1} << 59;
bool saysGuessesRest(const Recording& recording, const Remark& remark) {
    if (std::holds_alternative<trace::SettingChanged>(remark.event))
        return settingWords(recording.payloadOf(remark)).name == expert::ExpertSupply::kPrefetchState;
    if (!std::holds_alternative<trace::NoteMade>(remark.event))
        return false;
    const trace::Payload text = recording.payloadOf(remark);
    return std::string_view(reinterpret_cast<const char*>(text.data()), text.size())
        .starts_with(expert::ExpertSupply::kPrefetchNote);
}

constexpr const char* kTooLong = "The simulated run takes longer than a session can hold.";

} // namespace

Simulation::Simulation(const Recording& recording, const MachineTiming& timing, const Scenario& scenario, trace::Tracer& tracer)
    : m_recording(recording), m_timing(timing), m_scenario(scenario), m_tracer(tracer),
      m_gateAsRecorded(gateAsRecorded(recording, scenario)), m_settings(settingsAtBegin(recording, scenario)),
      m_calibration(calibrationOf(recording, scenario)), m_shape{recording.info.model.layers, recording.info.model.experts},
      m_future(scenario.belady() ? std::make_shared<FutureAskings>(m_shape.layers, m_shape.experts) : nullptr),
      m_gate(neededGate(m_settings)), m_prefetch(makePrefetch(m_settings)),
      m_cache(m_shape, makeCachePolicy(m_settings), planFor(m_settings)),
      m_link({.bytes = recording.info.model.expertBytes, .blocks = blocksOf(recording.info.model.expertBytes)},
             expert::parseLink(m_settings.link), tracer, m_clock),
      m_scratch(std::make_unique<Scratch>(static_cast<std::size_t>(m_shape.experts))) {
    checkFacts(m_settings);
}

Simulation::~Simulation() = default;

std::unique_ptr<policy::CachePolicy> Simulation::makeCachePolicy(const runtime::Settings& settings) const {
    if (m_future)
        return std::make_unique<OraclePolicy>(m_future);
    return policy::makeCachePolicy(settings.cache, policy::parseCacheWeights(settings.cacheWeights));
}

std::unique_ptr<policy::PrefetchPolicy> Simulation::makePrefetch(const runtime::Settings& settings) const {
    return policy::makePrefetchPolicy(settings.prefetch, {.depth = settings.prefetchDepth,
                                                          .spareSteps = settings.prefetchSpareSteps,
                                                          .spareForeseen = !prefetchesAsBefore(m_recording, m_scenario)});
}

std::unique_ptr<policy::GatePolicy> Simulation::neededGate(const runtime::Settings& settings) const {
    const bool foresees = makePrefetch(settings)->depth() > 0;
    return m_gateAsRecorded && !foresees ? nullptr : m_calibration.makeGate(settings);
}

policy::SlotPlan Simulation::planFor(const runtime::Settings& settings) const {
    const int all = m_shape.layers * m_shape.experts;
    const int slots = settings.cacheExperts == 0 ? all : std::min(settings.cacheExperts, all);
    return m_calibration.makeAllocation(settings)->plan({m_shape.layers, m_shape.experts, slots});
}

void Simulation::checkFacts(const runtime::Settings& settings) const {
    const int depth = makePrefetch(settings)->depth();
    if (depth > m_recording.predictedDepths)
        throw std::runtime_error(
            fmt::format("The session foresees {} {} ahead, so a prefetch of depth {} cannot be simulated on it.",
                        m_recording.predictedDepths, m_recording.predictedDepths == 1 ? "layer" : "layers", depth));
    const expert::Link link = expert::parseLink(settings.link);
    const double all = static_cast<double>(m_shape.layers) * m_shape.experts;
    if (all * static_cast<double>(linkNs(link, m_recording.info.model.expertBytes)) > static_cast<double>(kLongestNs))
        throw std::runtime_error(kTooLong);
    if (!link.emulated() && !m_timing.copySpeedKnown() && planFor(settings).total < m_shape.layers * m_shape.experts)
        throw std::runtime_error("How fast its machine copies without a link is not in the session; choose a link.");
}

void Simulation::checkTime() const {
    if (m_clock.now() > kLongestNs)
        throw std::runtime_error(kTooLong);
}

void Simulation::gatherFuture(const Progress& progress) {
    // What is asked for does not depend on who is evicted, so any policy will do.
    Scenario causal = m_scenario;
    causal.set("cache", policy::cachePolicyNames().front());
    Simulation(m_recording, m_timing, causal, *m_future).run([&](double share) { return !progress || progress(share / 2); });
}

void Simulation::run(const Progress& progress) {
    if (m_future)
        gatherFuture(progress);
    begin();
    constexpr std::size_t kBetween = 64;
    const auto items = static_cast<double>(m_recording.script.size());
    for (std::size_t i = 0; i < m_recording.script.size(); ++i) {
        const double share = static_cast<double>(i) / items;
        if (progress && i % kBetween == 0 && !progress(m_future ? (1 + share) / 2 : share))
            throw Cancelled();
        const ScriptItem& item = m_recording.script[i];
        m_clock.advance(item.gapNs);
        checkTime();
        if (item.kind == ScriptItem::Kind::Pass)
            runPass(m_recording.passes[item.index]);
        else
            remark(m_recording.remarks[item.index]);
    }
    if (progress && !progress(1))
        throw Cancelled();
}

void Simulation::begin() {
    m_clock.set(m_recording.beganAt);
    m_link.setConditions(m_timing.moves(trace::Phase::Prefill), m_scenario.idealCopies);
    m_supply = std::make_unique<expert::ExpertSupply>(m_cache, m_link, m_tracer, m_clock);
    m_cache.setSpareSteps(m_prefetch->spareSteps());
    m_supply->setWatched(m_settings.prefetchWatch);
    if (m_cache.plan().total < m_shape.layers * m_shape.experts)
        return;
    m_supply->fill();
    m_supply->finishTransfers();
}

void Simulation::change(const Remark& remark) {
    const SettingWords words = settingWords(m_recording.payloadOf(remark));
    const std::vector<std::string> known = runtime::settingNames();
    if (std::find(known.begin(), known.end(), words.name) == known.end())
        return;
    runtime::Settings next = m_settings;
    try {
        runtime::setSetting(next, words.name, words.after);
    } catch (const std::invalid_argument& refusal) {
        throw std::runtime_error(fmt::format("The session cannot be simulated as it was recorded: {}", refusal.what()));
    }
    apply(next);
}

void Simulation::apply(const runtime::Settings& settings) {
    checkFacts(settings);
    m_gate = neededGate(settings);
    m_prefetch = makePrefetch(settings);
    m_cache.setSpareSteps(m_prefetch->spareSteps());
    if (settings.prefetchWatch != m_settings.prefetchWatch)
        m_supply->setWatched(settings.prefetchWatch);
    if (settings.link != m_settings.link) {
        m_link.setLink(expert::parseLink(settings.link));
        m_supply->linkChanged();
    }
    if (settings.cache != m_settings.cache || settings.cacheWeights != m_settings.cacheWeights)
        m_supply->setCachePolicy(makeCachePolicy(settings));
    if (const policy::SlotPlan plan = planFor(settings); plan != m_cache.plan()) {
        m_supply->setPlan(plan);
        if (plan.total == m_shape.layers * m_shape.experts)
            m_supply->fill();
    }
    m_settings = settings;
}

void Simulation::remark(const Remark& remark) {
    trace::Event event = remark.event;
    // Guesses rest when they lose here, not when they lost there.
    if (saysGuessesRest(m_recording, remark))
        return;
    if (std::holds_alternative<trace::SettingChanged>(event)) {
        if (m_scenario.value(settingWords(m_recording.payloadOf(remark)).name))
            return;
        change(remark);
    }
    const trace::TimeNs now = m_clock.now();
    if (const auto* prompt = std::get_if<trace::PromptBegan>(&event)) {
        // A prompt that was empty or too long was refused before the cache heard of it.
        const bool tooLong = prompt->contextTokens > 0 && prompt->promptTokens > prompt->contextTokens;
        if (prompt->promptTokens > 0 && !tooLong)
            m_supply->beginSequence();
        m_promptBeganAt = now;
    }
    if (auto* ended = std::get_if<trace::AnswerEnded>(&event))
        ended->promptBeganAt = m_promptBeganAt;
    std::visit(
        [now](auto& e) {
            if constexpr (requires { e.at; })
                e.at = now;
        },
        event);
    m_tracer.emit(event, m_recording.payloadOf(remark));
}

void Simulation::stage(const Pass& pass, Stage stage, trace::TimeNs begin, trace::Layer layer) {
    m_tracer.emit(trace::StageSpan{.begin = begin,
                                   .end = m_clock.now(),
                                   .token = pass.first,
                                   .tokens = pass.tokens,
                                   .layer = layer,
                                   .stage = stage,
                                   .phase = pass.phase});
}

void Simulation::runPass(const Pass& pass) {
    const trace::TimeNs stepBegin = m_clock.now();
    m_link.setConditions(m_timing.moves(pass.phase), m_scenario.idealCopies);
    m_supply->beginStep(pass.first, pass.phase);
    for (int i = 0; i < pass.layerCount; ++i) {
        runLayer(pass, m_recording.layers[pass.firstLayer + static_cast<std::size_t>(i)]);
        checkTime();
    }
    guessFirstLayer(pass);
    for (const auto& [which, length] : {std::pair(Stage::Output, pass.outputNs), std::pair(Stage::Sample, pass.sampleNs)})
        if (length >= 0) {
            const trace::TimeNs begin = m_clock.now();
            m_clock.advance(length);
            stage(pass, which, begin);
        }
    m_clock.advance(pass.tailNs);
    if (pass.complete)
        stage(pass, Stage::Step, stepBegin);
}

void Simulation::runLayer(const Pass& pass, const LayerWork& layer) {
    const trace::Layer which(layer.layer);
    trace::TimeNs begin = m_clock.now();
    m_clock.advance(layer.attentionNs);
    stage(pass, Stage::Attention, begin, which);
    begin = m_clock.now();
    m_clock.advance(layer.routerNs);
    chooseExperts(layer);
    stage(pass, Stage::Router, begin, which);
    begin = m_clock.now();
    m_supply->ask(layer.layer, m_scratch->wants);
    offerGuesses(pass, layer);
    runExperts(pass, layer);
    stage(pass, Stage::Experts, begin, which);
}

void Simulation::chooseExperts(const LayerWork& layer) {
    m_scratch->beginLayer();
    for (int i = 0; i < layer.decisions; ++i) {
        const Decision& decision = m_recording.decisions[layer.firstDecision + static_cast<std::size_t>(i)];
        if (m_gateAsRecorded)
            chooseAsRecorded(decision);
        else
            chooseAnew(decision);
        if (m_prefetch->depth() > 0)
            m_scratch->foresee(decision.event, m_recording.payloadOf(decision));
    }
    m_scratch->setStrengths();
}

void Simulation::chooseAsRecorded(const Decision& decision) {
    const trace::Payload payload = m_recording.payloadOf(decision);
    trace::ExpertsChosen event = decision.event;
    event.at = m_clock.now();
    m_tracer.emit(event, payload);
    m_scratch->readChoice(event, payload);
    // As the gate leaves them: divided by what is kept of them, where the model's rule says so.
    float sum = 0;
    for (int rank = 0; rank < event.kept; ++rank)
        sum += m_scratch->weights[static_cast<std::size_t>(rank)];
    if (event.kept < event.candidates && m_recording.renormalise && sum > 0)
        for (int rank = 0; rank < event.kept; ++rank)
            m_scratch->weights[static_cast<std::size_t>(rank)] /= sum;
    m_scratch->addRow(m_scratch->ids, m_scratch->weights, event.kept);
}

void Simulation::chooseAnew(const Decision& decision) {
    const trace::Payload payload = m_recording.payloadOf(decision);
    const trace::ExpertsChosen& was = decision.event;
    m_scratch->readChoice(was, payload);
    m_scratch->readLogits(was, payload);
    const policy::GateChoice choice = m_gate->choose({.layer = was.layer.value,
                                                      .logits = std::span(m_scratch->logits).first(was.experts),
                                                      .rule = {.topK = was.candidates, .renormalise = m_recording.renormalise},
                                                      .residency = &m_supply->expected(),
                                                      .token = was.token,
                                                      .phase = was.phase},
                                                     std::span(m_scratch->probabilities).first(was.experts));
    trace::ExpertsChosen event = was;
    event.at = m_clock.now();
    event.candidates = static_cast<std::uint8_t>(choice.candidates);
    event.kept = static_cast<std::uint8_t>(choice.kept);
    m_tracer.emit(event, m_scratch->payloadOf(event, choice, was, payload));
    m_scratch->addRow(choice.ids, choice.weights, choice.kept);
}

void Simulation::offerGuesses(const Pass& pass, const LayerWork& layer) {
    const int depths = std::min(m_prefetch->depth(), m_shape.layers - 1 - layer.layer);
    if (depths < 1)
        return;
    offer(layer.layer, m_scratch->strongest(depths), pass.first, pass.phase);
}

void Simulation::guessFirstLayer(const Pass& pass) {
    m_supply->endStep();
    const auto at = static_cast<std::size_t>(&pass - m_recording.passes.data()) + 1;
    if (m_prefetch->depth() == 0 || !m_settings.prefetchFirstLayer || at >= m_recording.passes.size())
        return;
    // What was foreseen stands with the decision that it is about.
    const Pass& next = m_recording.passes[at];
    if (next.layerCount == 0 || next.first.value != pass.first.value + pass.tokens)
        return;
    const LayerWork& first = m_recording.layers[next.firstLayer];
    if (first.layer != 0 || first.decisions != 1 || !m_scratch->readForeseen(m_recording, first))
        return;
    const std::span<const float> prediction(m_scratch->foreseen);
    offer(-1, std::span(&prediction, 1), next.first, trace::Phase::Decode);
}

void Simulation::offer(int layer, std::span<const std::span<const float>> predictions, trace::TokenIndex token,
                       trace::Phase phase) {
    const bool measured = m_settings.prefetchBudgetMb < 0;
    const auto fixed = static_cast<std::int64_t>(m_settings.prefetchBudgetMb * 1e6);
    const std::int64_t bytes = m_recording.info.model.expertBytes;
    m_supply->prefetch(m_prefetch->suggest(
        {.layer = layer,
         .layers = m_shape.layers,
         .topK = m_scratch->topK,
         .renormalise = m_recording.renormalise,
         .predicted = predictions,
         .residency = &m_supply->expected(),
         .expertBytes = bytes,
         .budgetBytes = m_supply->guessBudget(layer < 0 ? m_shape.layers - 1 : layer,
                                              measured ? expert::ExpertSupply::kMeasuredBudget : fixed, bytes),
         .gate = m_gate.get(),
         .token = token,
         .phase = phase}));
}

trace::TimeNs Simulation::computeNs(const Pass& pass, const LayerWork& layer, int hits) const {
    const trace::TimeNs asked = layer.requests * m_timing.moves(pass.phase).request;
    const auto index = static_cast<std::size_t>(&layer - m_recording.layers.data());
    const trace::TimeNs lost = m_timing.heldUpNs(index);
    const auto recorded = static_cast<double>(std::max<trace::TimeNs>(0, layer.expertsNs - asked));
    const int rows = m_scratch->rows;
    const ComputeCosts& costs = m_timing.compute();
    if (pass.phase == trace::Phase::Prefill || costs.hit + costs.miss <= 0)
        return lost + static_cast<trace::TimeNs>(layer.rows > 0 ? recorded * rows / layer.rows : recorded);
    const int misses = static_cast<int>(m_scratch->wants.size()) - hits;
    const double change = (hits - layer.hits) * costs.hit + (misses - layer.misses) * costs.miss;
    return lost + static_cast<trace::TimeNs>(std::max(0.0, recorded + change));
}

void Simulation::runExperts(const Pass& pass, const LayerWork& layer) {
    const auto& wants = m_scratch->wants;
    // As the decoder: what is resident runs together, the rest one by one as it arrives.
    auto together = std::count_if(wants.begin(), wants.end(), [&](const expert::ExpertSupply::Want& want) {
        return m_cache.resident(trace::expertKey(layer.layer, want.expert));
    });
    const trace::TimeNs compute = computeNs(pass, layer, static_cast<int>(together));
    trace::TimeNs spent = 0;
    int rows = 0;
    for (std::size_t ran = 0; ran < wants.size();) {
        m_scratch->ready.clear();
        do {
            const auto ready = m_supply->next();
            if (!ready)
                throw std::logic_error("The expert supply ran dry before all experts of a layer had run.");
            m_scratch->ready.push_back(ready->expert);
            rows += m_scratch->rowsOf(ready->expert);
        } while (--together > 0);
        const auto due = static_cast<trace::TimeNs>(static_cast<double>(compute) * rows / m_scratch->rows);
        m_clock.advance(due - spent);
        spent = due;
        for (const int expert : m_scratch->ready)
            m_supply->done(expert);
        ran += m_scratch->ready.size();
    }
    m_clock.advance(compute - spent);
}

} // namespace moescope::simulate
