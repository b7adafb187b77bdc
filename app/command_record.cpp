#include "app/command_flags.h"
#include "app/command_list.h"
#include "app/console.h"
#include "app/record_progress.h"
#include "app/run.h"
#include "app/run_signals.h"
#include "app/scheduled_settings.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cstdio>

namespace moescope::app {
namespace {

struct RecordFlags {
    EngineFlags engine;
    PromptFlags prompt;
    std::string output;
    std::string title;
    std::vector<std::string> schedule;
    double maxSessionMb = 0;
    TraceFlags trace;
    int overheadPairs = 0;
    bool progress = false;
};

using Role = runtime::ChatMessage::Role;

class Recording {
public:
    explicit Recording(const RecordFlags& flags)
        : m_flags(flags), m_questions(questionsOf(flags.prompt)), m_schedule(flags.schedule),
          m_progress(flags.progress || RecordProgress::wanted()), m_signals([this] { interrupt(); }),
          m_run(
              options(), [this](const trace::TokenEmitted& e, std::string_view text) { token(e, text); },
              [this](const std::string& reason) { trouble(reason); }) {
        {
            const std::lock_guard lock(m_mutex);
            m_stoppable = &m_run;
        }
        if (m_run.collector().degraded())
            say("moescope-engine: {}\n", m_run.collector().status());
        if (m_run.counters().degraded())
            say("moescope-engine: {}\n", m_run.counters().status());
        m_schedule.apply(0, m_run);
    }
    ~Recording() { forgetRun(); }
    Recording(const Recording&) = delete;
    Recording& operator=(const Recording&) = delete;

    int run() {
        std::string problem;
        if (const std::string note = m_run.backendNote(); !note.empty() && !m_flags.engine.backend.empty())
            say("{}\n", note);
        runtime::GenerationRequest request = samplingRequest(m_flags.prompt);
        if (!m_flags.prompt.system.empty())
            request.messages.push_back({Role::System, m_flags.prompt.system});
        for (const std::string& question : m_questions.texts) {
            if (m_interrupted || !problem.empty())
                break;
            if (m_questions.raw)
                request.raw = question;
            else
                request.messages.push_back({Role::User, question});
            const runtime::Answer answer = m_run.answer(request);
            m_progress.endLine();
            putAnswer("\n");
            request.messages.push_back({Role::Assistant, answer.text});
            if (answer.reason == trace::EndReason::Failed || !answer.problem.empty())
                problem = answer.problem.empty() ? "The run failed." : answer.problem;
        }
        if (m_flags.overheadPairs > 0 && problem.empty() && !m_interrupted)
            measureOverhead(request);
        return finish(problem);
    }

private:
    /// The last question again, without its answer.
    void measureOverhead(runtime::GenerationRequest request) {
        if (!m_questions.raw)
            request.messages.pop_back();
        m_quiet = true;
        const auto measured = m_run.measureOverhead(request, m_flags.overheadPairs);
        m_quiet = false;
        if (!measured) {
            say("The cost of recording the device was not measured: {}\n", m_run.collector().status());
            return;
        }
        const auto percent = [](double share) { return share * 100; };
        say("Recording the device at level {}{} costs {:+.2f} % of the time per token, {:+.2f} to {:+.2f} % with 95 % "
            "confidence "
            "(median of {} pairs of answers of at most {} tokens, in turn).\n",
            measured->measured.level, m_run.counters().interval() > 0 ? " with its counters" : "",
            percent(measured->shares.median), percent(measured->shares.low), percent(measured->shares.high),
            measured->measured.pairs, measured->measured.tokens);
    }
    RunOptions options() const {
        RunOptions options;
        options.engine = engineOptions(m_flags.engine);
        m_schedule.check(options.engine.settings);
        options.output = m_flags.output;
        options.title = m_flags.title.empty() ? m_questions.texts.front().substr(0, 80) : m_flags.title;
        options.sampling = m_flags.prompt.sampling;
        options.maxTokens = m_flags.prompt.maxTokens;
        options.maxSessionBytes = static_cast<std::int64_t>(m_flags.maxSessionMb * 1e6);
        options.traceLevel = static_cast<gpu::TraceLevel>(m_flags.trace.level);
        options.pmSampling = m_flags.trace.pmSampling;
        return options;
    }
    /// The answer is in the session whether or not somebody reads it here; and this runs where nothing may throw.
    static void putAnswer(std::string_view text) {
        std::fwrite(text.data(), 1, text.size(), stdout);
        std::fflush(stdout);
    }
    void token(const trace::TokenEmitted& event, std::string_view text) {
        if (m_quiet)
            return;
        putAnswer(text);
        ++m_tokens;
        m_progress.token(m_tokens, event.at);
        m_schedule.apply(m_tokens, m_run);
    }
    void interrupt() {
        m_interrupted = true;
        const std::lock_guard lock(m_mutex);
        if (m_stoppable)
            m_stoppable->stop();
    }
    void trouble(const std::string& reason) {
        const std::lock_guard lock(m_mutex);
        if (reason.empty() || !m_full.empty())
            return;
        m_full = reason;
        // Nobody is there to choose another folder: what was recorded is kept, and the run ends.
        if (m_stoppable)
            m_stoppable->stop();
    }
    void forgetRun() {
        const std::lock_guard lock(m_mutex);
        m_stoppable = nullptr;
    }
    int finish(const std::string& problem) {
        const std::string path = m_run.path().string();
        std::string failure = problem;
        forgetRun();
        try {
            m_run.finish();
        } catch (const std::exception& e) {
            failure = failure.empty() ? e.what() : failure;
        }
        const std::lock_guard lock(m_mutex);
        failure = m_full.empty() ? failure : m_full;
        if (!failure.empty()) {
            say("moescope-engine: {}\nWhat was recorded is in {}\n", failure, path);
            return 1;
        }
        if (!m_schedule.problem().empty())
            say("moescope-engine: {}\n", m_schedule.problem());
        if (m_interrupted)
            say("Stopped on request after {} tokens; the session is complete.\n", m_tokens);
        say("session: {}\n", path);
        return m_schedule.problem().empty() ? 0 : 1;
    }

    const RecordFlags& m_flags;
    Questions m_questions;
    ScheduledSettings m_schedule;
    RecordProgress m_progress;
    std::atomic<bool> m_interrupted = false;
    std::mutex m_mutex; ///< guards m_stoppable and m_full
    Run* m_stoppable = nullptr;
    std::string m_full;
    int m_tokens = 0;
    bool m_quiet = false;  ///< answers are only timed; the engine's thread
    StopSignals m_signals; ///< before any thread of the run, so that all inherit its mask
    Run m_run;
};

} // namespace

void addRecordCommand(CLI::App& root, Chosen& chosen) {
    auto flags = std::make_shared<RecordFlags>();
    CLI::App* command = root.add_subcommand("record", "Run the model on a question and record everything that moves");
    command->footer(
        "Example:\n  moescope-engine record --prompt \"Tell me a story about a fox.\" --cache-experts 32 --link pcie3x4 "
        "--output fox.moescope\n\nThe answer goes to stdout, progress to stderr. Ctrl-C ends the answer; the session "
        "is complete all the same.");
    addPromptFlags(*command, flags->prompt);
    addEngineFlags(*command, flags->engine);
    command
        ->add_option("--output,-o", flags->output, "Session file to make, or a folder to make one in. Default: a new file here")
        ->type_name("PATH");
    command->add_option("--title", flags->title, "Title of the session. Default: the question")->type_name("TEXT");
    command
        ->add_option("--at", flags->schedule,
                     "TOKEN:name=value changes a setting when that many tokens have been answered; may be given again. "
                     "Example: --at 40:gate-threshold=0.01")
        ->type_name("TOKEN:NAME=VALUE")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    command
        ->add_option("--max-session-mb", flags->maxSessionMb,
                     "Stop when the session has this many MB (10^6 bytes); 0 = no limit")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str()
        ->type_name("MB");
    addTraceFlags(*command, flags->trace);
    command
        ->add_option("--trace-overhead", flags->overheadPairs,
                     "Then answer the last question again this many times without and with the device recorded, in turn, and "
                     "store what recording costs")
        ->check(CLI::Range(0, 1000))
        ->capture_default_str()
        ->type_name("PAIRS");
    command->add_flag("--progress", flags->progress, "Show tokens and tokens/s on stderr even if it is not a terminal");
    command->callback([flags, &chosen] { chosen = [flags] { return Recording(*flags).run(); }; });
}

} // namespace moescope::app
