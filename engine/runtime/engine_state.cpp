#include "engine/runtime/engine_state.h"

#include "engine/runtime/backend_choice.h"

#include <algorithm>
#include <fmt/format.h>

namespace moescope::runtime {

EngineState::EngineState(EngineOptions wanted, trace::TracerSource& tracers, const trace::Clock& clockOf)
    : options(std::move(wanted)), clock(clockOf), tracer(tracers.openProducer("engine")), file(options.model),
      config(model::readModelConfig(file)), facts(model::readModelFacts(file, config)), tokenizer(model::makeTokenizer(file)),
      chatForm(model::makeChatTemplate(file)), calibration(options.calibration, facts),
      backend(makeBackend(file, config, {options.backend, options.hostMemory, options.threads})),
      tier(*backend, config, calibration, options.settings, tracers, tracer, clock),
      decoder(*backend, tier, config, tracer, tracers.scopes(), clock), inbox(options.settings), settings(options.settings),
      logits(static_cast<std::size_t>(config.vocabulary)) {
    if (!calibration.modelName().empty())
        facts.name = calibration.modelName();
}

void EngineState::check(const Settings& wanted) const {
    calibration.check(wanted);
    const int all = config.layers * config.experts;
    const int slots = wanted.cacheExperts == 0 ? all : std::min(wanted.cacheExperts, all);
    if (const int most = backend->mostSlots(); slots > most)
        throw std::invalid_argument(
            fmt::format("The setting cache-experts cannot be {}; {} experts fit the fast memory now.", slots, most));
}

void EngineState::boundary(trace::TokenIndex next) {
    inbox.waitWhilePaused();
    for (const Settings& wanted : inbox.take()) {
        tier.apply(wanted);
        for (const std::string& name : settingNames()) {
            const std::string before = settingValue(settings, name);
            const std::string after = settingValue(wanted, name);
            if (before == after)
                continue;
            const std::string payload = fmt::format("{}{}{}{}{}", name, '\0', before, '\0', after);
            tracer.emit(trace::SettingChanged{.at = clock.now(), .token = next}, trace::asPayload(payload));
        }
        settings = wanted;
    }
    constexpr int kSlotsPerToken = 4;
    tier.giveBack(kSlotsPerToken);
}

void EngineState::forgetContext() {
    context.clear();
    backend->truncate(0);
}

int EngineState::maxPassTokens() const {
    return options.passTokens > 0 ? std::min(options.passTokens, backend->maxPassTokens()) : backend->maxPassTokens();
}

void EngineState::read(std::span<const std::int32_t> tokens, trace::TokenIndex first, trace::Phase phase) {
    pass.clear();
    for (const std::int32_t id : tokens)
        pass.push_back({id, contextLength() + static_cast<int>(pass.size())});
    decoder.run(pass, first, phase);
    context.insert(context.end(), tokens.begin(), tokens.end());
}

trace::TokenIndex EngineState::takeIndices(std::size_t count) {
    const trace::TokenIndex first = nextToken;
    nextToken = trace::TokenIndex(first.value + static_cast<std::int32_t>(count));
    return first;
}

} // namespace moescope::runtime
