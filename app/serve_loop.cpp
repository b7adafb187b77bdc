#include "app/serve_loop.h"

#include "app/run_facts.h"
#include "app/run_gate_target.h"
#include "profiler/analysis/summary_words.h"
#include "profiler/session/session_reader.h"

#include <filesystem>
#include <fmt/format.h>

namespace moescope::app {
namespace {

runtime::ChatMessage::Role roleOf(const std::string& role) {
    if (role == "system")
        return runtime::ChatMessage::Role::System;
    return role == "assistant" ? runtime::ChatMessage::Role::Assistant : runtime::ChatMessage::Role::User;
}

runtime::GenerationRequest requestFrom(const PromptCommand& command) {
    runtime::GenerationRequest request;
    for (const PromptMessage& message : command.messages)
        request.messages.push_back({roleOf(message.role), message.text});
    request.raw = command.raw;
    request.maxTokens = command.maxTokens;
    request.sampling.temperature = static_cast<float>(command.temperature);
    request.sampling.topK = command.topK;
    request.sampling.topP = static_cast<float>(command.topP);
    request.sampling.minP = static_cast<float>(command.minP);
    request.sampling.repeatPenalty = static_cast<float>(command.repeatPenalty);
    request.sampling.seed = command.seed;
    request.stop = command.stop;
    return request;
}

RunOptions optionsFrom(const LoadCommand& command) {
    RunOptions options;
    options.engine.model = command.model.empty() ? bundledModel() : std::filesystem::path(command.model);
    if (!std::filesystem::exists(options.engine.model))
        throw std::runtime_error(fmt::format("The model file {} does not exist.", options.engine.model.string()));
    options.engine.threads = command.threads > 0 ? command.threads : machineCores();
    options.engine.calibration = command.calibration;
    options.engine.backend = command.backend.empty() ? "auto" : command.backend;
    if (!command.hostMemory.empty())
        options.engine.hostMemory = command.hostMemory;
    std::string target;
    for (const auto& [name, value] : command.settings)
        if (name == kGateTarget)
            target = value;
        else
            runtime::setSetting(options.engine.settings, name, value);
    if (!target.empty())
        applyGateTarget(options.engine, target);
    options.output = command.output;
    options.maxSessionBytes = static_cast<std::int64_t>(command.maxSessionMb * 1e6);
    return options;
}

Values factsOf(const Run& run) {
    const model::ModelFacts& facts = run.facts();
    return {{"session", run.path().string()},
            {"backend", run.backendName()},
            {"backend_note", run.backendNote()},
            {"trace_level", static_cast<std::int64_t>(run.collector().level())},
            {"trace_status", run.collector().status()},
            {"model", facts.name},
            {"model_path", facts.path},
            {"model_hash", facts.hash},
            {"quantisation", facts.quantisation},
            {"layers", std::int64_t{facts.layers}},
            {"experts", std::int64_t{facts.experts}},
            {"top_k", std::int64_t{facts.topK}},
            {"expert_bytes", facts.expertBytes},
            {"file_bytes", facts.fileBytes},
            {"context_tokens", std::int64_t{facts.contextTokens}},
            {"synthetic", facts.synthetic}};
}

} // namespace

void ServeLoop::read() {
    while (const auto line = m_input.next()) {
        if (line->tooLong) {
            m_output.refuse({}, fmt::format("The line is longer than {} bytes.", kMaxLineBytes));
            continue;
        }
        if (line->text.find_first_not_of(" \t\r") == std::string::npos)
            continue;
        try {
            const Request request = parseRequest(line->text);
            take(request);
            if (std::holds_alternative<QuitCommand>(request.command))
                return;
        } catch (const ProtocolError& e) {
            m_output.refuse(e.id, e.what());
        }
    }
    quit();
}

void ServeLoop::take(const Request& request) {
    try {
        dispatch(request);
    } catch (const std::exception& e) {
        m_output.refuse(request.id, e.what());
    }
}

void ServeLoop::dispatch(const Request& request) {
    if (std::holds_alternative<HelloCommand>(request.command))
        hello(request.id);
    else if (std::holds_alternative<StopCommand>(request.command))
        stop(request.id);
    else if (const auto* change = std::get_if<SetCommand>(&request.command))
        set(request.id, *change);
    else if (std::holds_alternative<PauseCommand>(request.command))
        setPaused(request.id, true);
    else if (std::holds_alternative<ResumeCommand>(request.command))
        setPaused(request.id, false);
    else if (const auto* move = std::get_if<RelocateCommand>(&request.command))
        relocate(request.id, *move);
    else if (std::holds_alternative<QuitCommand>(request.command)) {
        m_output.accept(request.id);
        quit();
    } else
        enqueue(request);
}

std::shared_ptr<Run> ServeLoop::present() {
    const std::lock_guard lock(m_mutex);
    return m_run;
}

void ServeLoop::hello(std::int64_t id) {
    m_output.accept(id, {{"program", programVersion()},
                         {"build", buildLine()},
                         {"protocol", std::int64_t{kProtocolVersion}},
                         {"schema", std::int64_t{session::kSchemaVersion}}});
}

void ServeLoop::stop(std::int64_t id) {
    std::shared_ptr<Run> run;
    {
        const std::lock_guard lock(m_mutex);
        m_stopWanted = m_prompted;
        run = m_run;
    }
    if (run)
        run->stop();
    m_output.accept(id);
}

void ServeLoop::set(std::int64_t id, const SetCommand& command) {
    const std::shared_ptr<Run> run = present();
    if (!run)
        throw std::runtime_error("No model is loaded; give its settings with load.");
    if (command.name == kGateTarget) {
        setGateTarget(id, *run, command.value);
        return;
    }
    run->post(command.name, command.value);
    m_output.accept(id, {{"name", command.name}, {"value", runtime::settingValue(run->settings(), command.name)}});
}

void ServeLoop::setGateTarget(std::int64_t id, Run& run, const std::string& value) {
    const double target = gateTargetFrom(value);
    const runtime::Settings settings = run.settings();
    const policy::TargetThreshold found = run.calibration().thresholdForMeanK(settings, target);
    const std::string text = describeTarget(settings.gate, target, found, "the calibration's router decisions");
    run.post("gate-threshold", fmt::format("{}", found.threshold));
    m_output.accept(id, {{"name", std::string("gate-threshold")},
                         {"value", fmt::format("{}", found.threshold)},
                         {"mean_experts", found.meanExperts},
                         {"single_share", found.singleShare},
                         {"note", text}});
}

void ServeLoop::setPaused(std::int64_t id, bool paused) {
    const std::shared_ptr<Run> run = present();
    if (!run)
        throw std::runtime_error("No model is loaded.");
    run->setPaused(paused);
    m_output.accept(id);
}

void ServeLoop::relocate(std::int64_t id, const RelocateCommand& command) {
    const std::shared_ptr<Run> run = present();
    if (!run)
        throw std::runtime_error("No model is loaded, so nothing is recorded.");
    run->relocate(command.folder);
    const std::string path = run->path().string();
    m_output.accept(id, {{"session", path}});
    m_output.notice("session", {{"session", path}});
}

void ServeLoop::enqueue(const Request& request) {
    {
        const std::lock_guard lock(m_mutex);
        if (m_prompted)
            throw std::runtime_error("An answer is running; stop it first.");
        const bool prompt = std::holds_alternative<PromptCommand>(request.command);
        if (!std::holds_alternative<LoadCommand>(request.command) && !m_run && m_queue.empty() && !m_working)
            throw std::runtime_error("No model is loaded.");
        m_prompted = prompt;
        m_stopWanted = false;
        m_queue.push_back(request);
    }
    m_arrived.notify_all();
}

void ServeLoop::quit() {
    std::shared_ptr<Run> run;
    {
        const std::lock_guard lock(m_mutex);
        m_quit = true;
        m_stopWanted = true;
        run = m_run;
    }
    if (run)
        run->stop();
    m_arrived.notify_all();
}

int ServeLoop::work() {
    while (serveOne()) {
    }
    refuseQueued();
    const std::string problem = endRun();
    if (problem.empty())
        return 0;
    m_output.notice("failed", {{"error", problem}});
    return 1;
}

bool ServeLoop::serveOne() {
    Request request;
    {
        std::unique_lock lock(m_mutex);
        m_arrived.wait(lock, [this] { return m_quit || !m_queue.empty(); });
        if (m_quit)
            return false;
        request = std::move(m_queue.front());
        m_queue.pop_front();
        m_working = true;
    }
    try {
        perform(request);
    } catch (const std::exception& e) {
        m_output.refuse(request.id, e.what());
    }
    const std::lock_guard lock(m_mutex);
    m_working = false;
    return true;
}

void ServeLoop::refuseQueued() {
    const std::lock_guard lock(m_mutex);
    for (const Request& request : m_queue)
        m_output.refuse(request.id, "The engine is ending.");
    m_queue.clear();
}

void ServeLoop::perform(const Request& request) {
    if (const auto* command = std::get_if<LoadCommand>(&request.command))
        load(request.id, *command);
    else if (const auto* begin = std::get_if<NewSessionCommand>(&request.command))
        newSession(request.id, *begin);
    else if (const auto* question = std::get_if<PromptCommand>(&request.command)) {
        if (!present()) {
            const std::lock_guard lock(m_mutex);
            m_prompted = false;
            throw std::runtime_error("No model is loaded.");
        }
        m_output.accept(request.id);
        prompt(*question);
    }
}

void ServeLoop::load(std::int64_t id, const LoadCommand& command) {
    optionsFrom(command); // refuses wrong values while the old run still stands
    if (const std::string problem = endRun(); !problem.empty())
        m_output.notice("failed", {{"error", problem}});
    m_loaded = command;
    begin(id);
}

void ServeLoop::newSession(std::int64_t id, const NewSessionCommand& command) {
    {
        const std::lock_guard lock(m_mutex);
        if (!m_run)
            throw std::runtime_error("No model is loaded.");
        // What was changed meanwhile stays in force.
        const runtime::Settings settings = m_run->settings();
        m_loaded.settings.clear();
        for (const std::string& name : runtime::settingNames())
            m_loaded.settings.emplace_back(name, runtime::settingValue(settings, name));
        m_loaded.output = command.output.empty() ? m_run->path().parent_path().string() + "/" : command.output;
    }
    if (const std::string problem = endRun(); !problem.empty())
        m_output.notice("failed", {{"error", problem}});
    begin(id);
}

void ServeLoop::begin(std::int64_t id) {
    RunOptions options = optionsFrom(m_loaded);
    options.traceLevel = m_traceLevel;
    options.pmSampling = m_pmSampling;
    auto run = std::make_shared<Run>(
        std::move(options), [this](const trace::TokenEmitted&, std::string_view) { token(); },
        [this](const std::string& reason) { trouble(reason); });
    const Values facts = factsOf(*run);
    const std::string path = run->path().string();
    {
        const std::lock_guard lock(m_mutex);
        m_run = std::move(run);
    }
    m_output.accept(id, facts);
    m_output.notice("session", {{"session", path}});
    m_output.notice("ready", {{"session", path}});
}

void ServeLoop::token() {
    // A stop may have come just before the answer began, which the engine forgets.
    const std::lock_guard lock(m_mutex);
    if (m_stopWanted && m_run)
        m_run->stop();
}

void ServeLoop::prompt(const PromptCommand& command) {
    std::shared_ptr<Run> run;
    bool skipped = false;
    {
        const std::lock_guard lock(m_mutex);
        run = m_run;
        skipped = m_stopWanted;
    }
    runtime::Answer answer;
    answer.reason = trace::EndReason::Requested;
    if (!skipped)
        answer = run->answer(requestFrom(command));
    {
        const std::lock_guard lock(m_mutex);
        // Before the notice, so that whoever reads it may send the next prompt at once.
        m_prompted = false;
    }
    Values values{{"reason", std::string(analysis::reasonKey(answer.reason))}, {"tokens", std::int64_t{answer.tokens}}};
    if (!answer.problem.empty())
        values.emplace_back("error", answer.problem);
    m_output.notice("answer_ended", std::move(values));
    if (answer.reason == trace::EndReason::Failed)
        m_output.notice("failed", {{"error", answer.problem.empty() ? std::string("The run failed.") : answer.problem}});
}

std::string ServeLoop::endRun() {
    std::shared_ptr<Run> run;
    {
        const std::lock_guard lock(m_mutex);
        run = std::exchange(m_run, nullptr);
    }
    if (!run)
        return {};
    // The reader's thread may hold it for the length of one call.
    while (run.use_count() > 1)
        std::this_thread::yield();
    try {
        run->finish();
    } catch (const std::exception& e) {
        return e.what();
    }
    return {};
}

void ServeLoop::trouble(const std::string& reason) {
    if (reason.empty())
        m_output.notice("recording_resumed");
    else
        m_output.notice("recording_paused", {{"reason", reason}});
}

} // namespace moescope::app
