#include "app/run.h"

#include "app/run_facts.h"
#include "engine/model/chat_template.h"

#include <fmt/format.h>

namespace moescope::app {
namespace {

constexpr std::int64_t kPageBytes = 4096;

std::vector<std::pair<std::string, std::string>> samplingValues(const model::SamplerSettings& sampling, int maxTokens) {
    return {{"temperature", fmt::format("{}", sampling.temperature)},
            {"top-k", fmt::format("{}", sampling.topK)},
            {"top-p", fmt::format("{}", sampling.topP)},
            {"min-p", fmt::format("{}", sampling.minP)},
            {"repeat-penalty", fmt::format("{}", sampling.repeatPenalty)},
            {"seed", fmt::format("{}", sampling.seed)},
            {"max-tokens", fmt::format("{}", maxTokens)}};
}

/// How the model is talked to, so that a form that was only assumed is seen wherever the session is.
void noteChatForm(const std::filesystem::path& model, session::SessionInfo& info) {
    const auto form = model::makeChatTemplate(model::GgufFile(model));
    info.settings.emplace_back("chat-form", form->shownName());
    if (form->facts().opensThinking)
        info.settings.emplace_back("chat-opens-thinking", "on");
}

record::Recorder::Options recorderOptions(const RunOptions& options, session::SessionInfo info) {
    record::Recorder::Options out;
    out.path = sessionPath(options.output, info.model.name);
    out.info = std::move(info);
    out.maxPages = options.maxSessionBytes > 0 ? std::max<std::int64_t>(1, options.maxSessionBytes / kPageBytes) : 0;
    return out;
}

} // namespace

Run::Run(const RunOptions& options, TracerRelay::OnToken onToken, OnTrouble onTrouble)
    : m_relay(std::move(onToken)), m_onTrouble(std::move(onTrouble)), m_tracer(m_relay.openProducer("run")),
      m_restater(m_relay.openProducer("restater")), m_sampling(samplingValues(options.sampling, options.maxTokens)) {
    m_collector = gpu::makeGpuCollector({options.traceLevel, {}}, m_relay, m_clock);
    m_relay.setScopes(m_collector->scopes());
    m_engine = std::make_unique<runtime::Engine>(options.engine, m_relay, m_clock);
    m_counters = gpu::makeGpuCounters({options.pmSampling, {}}, m_relay, m_clock);
    m_reachable = m_engine.get();
    m_recorder = std::make_unique<record::Recorder>(recorderOptions(options, info(options)), m_clock,
                                                    [this](const std::string& reason) { trouble(reason); });
    m_relay.attach(*m_recorder);
    noteCollector();
}

Run::~Run() {
    const std::lock_guard lock(m_reachMutex);
    m_reachable = nullptr;
}

session::SessionInfo Run::info(const RunOptions& options) const {
    session::SessionInfo info;
    info.id = newSessionId();
    info.createdUtc = utcNow();
    info.programVersion = programVersion();
    info.build = buildLine();
    info.model = m_engine->facts();
    info.title = options.title.empty() ? info.model.name : options.title;
    info.machine = machineFacts();
    info.machine.device = m_engine->backendName();
    info.machine.deviceBytes = m_engine->deviceBytes();
    info.machine.devicePlan = m_engine->devicePlan();
    if (info.machine.deviceBytes > 0)
        info.machine.hostMemory = options.engine.hostMemory;
    const runtime::Settings settings = m_engine->settings();
    for (const std::string& name : runtime::settingNames())
        info.settings.emplace_back(name, runtime::settingValue(settings, name));
    info.settings.insert(info.settings.end(), m_sampling.begin(), m_sampling.end());
    info.settings.emplace_back("threads", std::to_string(options.engine.threads));
    noteChatForm(options.engine.model, info);
    info.sensitivity = m_engine->sensitivity();
    info.calibration = m_engine->calibration().known().json;
    info.seed = options.sampling.seed;
    info.tracer = {static_cast<int>(m_collector->level()), m_collector->status(), m_counters->interval(), m_counters->status()};
    return info;
}

void Run::noteCollector() {
    if (m_collector->degraded())
        m_tracer.emit(trace::NoteMade{m_clock.now(), {}}, trace::asPayload(m_collector->status()));
    if (m_counters->degraded())
        m_tracer.emit(trace::NoteMade{m_clock.now(), {}}, trace::asPayload(m_counters->status()));
}

void Run::noteSampling(const runtime::GenerationRequest& request) {
    auto values = samplingValues(request.sampling, request.maxTokens);
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (values[i] == m_sampling[i])
            continue;
        const std::string payload = settingPayload(values[i].first, m_sampling[i].second, values[i].second);
        m_tracer.emit(trace::SettingChanged{m_clock.now(), m_relay.nextToken()}, trace::asPayload(payload));
    }
    m_sampling = std::move(values);
}

runtime::Answer Run::answer(const runtime::GenerationRequest& request) {
    noteSampling(request);
    return m_engine->answer(request);
}

std::optional<double> Run::timeAnswer(const runtime::GenerationRequest& request, bool recording) {
    m_collector->setRecording(recording);
    m_counters->setReading(recording);
    m_relay.takeTokenNs();
    const runtime::Answer answer = m_engine->answer(request);
    if (answer.reason == trace::EndReason::Failed || answer.reason == trace::EndReason::Requested)
        return std::nullopt;
    return m_relay.takeTokenNs();
}

std::optional<Run::Overhead> Run::measureOverhead(const runtime::GenerationRequest& request, int pairs) {
    if (m_collector->level() == gpu::TraceLevel::Engine && m_counters->interval() == 0)
        return std::nullopt;
    std::vector<OverheadPair> measured;
    bool going = timeAnswer(request, true).has_value();
    for (int pair = 0; pair < pairs && going; ++pair) {
        const bool onFirst = pair % 2 == 1;
        const auto first = timeAnswer(request, onFirst);
        const auto second = first ? timeAnswer(request, !onFirst) : std::nullopt;
        going = second.has_value();
        if (going)
            measured.push_back(onFirst ? OverheadPair{*second, *first} : OverheadPair{*first, *second});
    }
    m_collector->setRecording(true);
    m_counters->setReading(true);
    trace::OverheadMeasured overhead = overheadOf(measured);
    if (!going || overhead.pairs == 0)
        return std::nullopt;
    overhead.at = m_clock.now();
    overhead.tokens = request.maxTokens;
    overhead.level = static_cast<std::uint8_t>(m_collector->level());
    m_tracer.emit(overhead);
    return Overhead{overhead, overheadShares(measured)};
}

void Run::post(std::string_view setting, std::string_view value) {
    const std::lock_guard lock(m_reachMutex);
    if (m_reachable)
        m_reachable->post(setting, value);
}

void Run::stop() {
    const std::lock_guard lock(m_reachMutex);
    if (m_reachable)
        m_reachable->stop();
}

void Run::applyPause() {
    if (m_reachable)
        m_reachable->setPaused(m_userPaused || m_diskFull);
}

void Run::setPaused(bool paused) {
    const std::lock_guard lock(m_reachMutex);
    m_userPaused = paused;
    applyPause();
}

void Run::trouble(const std::string& reason) {
    {
        const std::lock_guard lock(m_reachMutex);
        m_diskFull = !reason.empty();
        applyPause();
    }
    if (m_onTrouble)
        m_onTrouble(reason);
}

std::filesystem::path Run::path() const {
    return m_recorder->path();
}

void Run::relocate(const std::filesystem::path& folder) {
    m_recorder->relocate(folder);
    const std::lock_guard lock(m_reachMutex);
    m_relay.restate(m_restater, m_clock.now());
}

void Run::finish() {
    {
        const std::lock_guard lock(m_reachMutex);
        m_reachable = nullptr;
    }
    m_counters->finish(); // both while the engine's device is still there
    m_collector->finish();
    m_engine.reset();
    m_recorder->finish();
}

} // namespace moescope::app
