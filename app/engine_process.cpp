#include "app/engine_process.h"
#include "app/console.h"

#include <QDir>
#include <QFile>
#include <QFileInfo>

using namespace Qt::StringLiterals;

namespace moescope::app {

namespace {

constexpr qsizetype kKeptErrors = 4096;
using Phase = ui::EngineState::Phase;

std::string text(const QString& string) {
    return string.toStdString();
}
QString text(const std::string& string) {
    return QString::fromStdString(string);
}

QString lastLine(const QByteArray& errors) {
    const QList<QByteArray> lines = errors.trimmed().split('\n');
    return QString::fromUtf8(lines.back()).trimmed();
}

} // namespace

EngineProcess::EngineProcess(Options options, ui::Commands& commands, QObject* parent)
    : QObject(parent), m_options(std::move(options)) {
    connect(&m_process, &QProcess::readyReadStandardOutput, this, &EngineProcess::readOutput);
    connect(&m_process, &QProcess::readyReadStandardError, this, &EngineProcess::readErrors);
    connect(&m_process, &QProcess::finished, this, &EngineProcess::finished);
    connect(&m_process, &QProcess::errorOccurred, this, &EngineProcess::failedToStart);
    connectCommands(commands);
}

EngineProcess::~EngineProcess() {
    m_process.disconnect(this);
    shutDown();
}

void EngineProcess::connectCommands(ui::Commands& commands) {
    using ui::Commands;
    connect(&commands, &Commands::promptSubmitted, this, &EngineProcess::submit);
    connect(&commands, &Commands::stopRequested, this, [this] { send(StopCommand{}); });
    connect(&commands, &Commands::settingRequested, this, &EngineProcess::set);
    connect(&commands, &Commands::modelRequested, this, [this](const QString& path) {
        m_options.model = path;
        load();
    });
    connect(&commands, &Commands::newSessionRequested, this, [this] {
        send(NewSessionCommand{text(m_options.sessions)}, [this](const Reply& reply) {
            if (reply.ok)
                beginSession(valueText(reply.values, "session"));
        });
    });
    connect(&commands, &Commands::restartRequested, this, &EngineProcess::restart);
    connect(&commands, &Commands::engineOptionRequested, this, &EngineProcess::setOption);
    connect(&commands, &Commands::pauseRequested, this, [this](bool paused) {
        if (paused)
            send(PauseCommand{});
        else
            send(ResumeCommand{});
    });
    connect(&commands, &Commands::recordingFolderRequested, this, [this](const QString& folder) {
        send(RelocateCommand{text(folder)}, [this, folder](const Reply& reply) {
            if (!reply.ok)
                return;
            m_options.sessions = folder;
            beginSession(valueText(reply.values, "session"));
        });
    });
}

void EngineProcess::start() {
    m_leaving = false;
    m_output.clear();
    m_errors.clear();
    m_waiting.clear();
    m_process.start(m_options.program, arguments());
    tell(Phase::Starting, tr("starting"));
    send(HelloCommand{}, [this](const Reply& reply) {
        const QString protocol = text(valueText(reply.values, "protocol"));
        if (!reply.ok || protocol.toInt() != kProtocolVersion) {
            Q_EMIT refused(tr("%1 speaks another protocol (%2) than this program (%3): both must be of the same build.")
                               .arg(m_options.program, protocol)
                               .arg(kProtocolVersion));
            shutDown(0);
            return;
        }
        load();
    });
}

QStringList EngineProcess::arguments() const {
    QStringList words{u"serve"_s};
    if (m_options.traceLevel > 0)
        words << u"--trace-level"_s << QString::number(m_options.traceLevel);
    if (m_options.pmSampling)
        words << u"--pm-sampling"_s;
    return words;
}

void EngineProcess::setOption(const QString& name, const QString& value) {
    if (name == u"trace-level"_s)
        m_options.traceLevel = value.toInt();
    else if (name == u"pm-sampling"_s)
        m_options.pmSampling = value == u"on"_s;
    else if (name == u"host-memory"_s)
        m_options.hostMemory = value;
    else
        return;
    restart();
}

void EngineProcess::load() {
    if (!QDir().mkpath(m_options.sessions)) {
        Q_EMIT refused(tr("The folder %1 for sessions cannot be made.").arg(m_options.sessions));
        return;
    }
    LoadCommand command;
    command.model = text(m_options.model);
    command.threads = m_options.threads;
    command.output = text(m_options.sessions);
    command.hostMemory = text(m_options.hostMemory);
    for (auto at = m_options.settings.begin(); at != m_options.settings.end(); ++at)
        command.settings.emplace_back(text(at.key()), text(at.value()));
    const QString name = m_options.model.isEmpty() ? tr("the bundled model") : QFileInfo(m_options.model).fileName();
    tell(Phase::Starting, tr("loading %1").arg(name));
    send(command, [this](const Reply& reply) {
        if (!reply.ok) {
            tell(m_session.isEmpty() ? Phase::Starting : Phase::Ready, m_session.isEmpty() ? tr("no model") : tr("ready"));
            return;
        }
        beginSession(valueText(reply.values, "session"));
        tell(Phase::Ready, tr("ready"));
    });
}

void EngineProcess::restart() {
    shutDown();
    start();
}

void EngineProcess::shutDown(int waitMs) {
    m_leaving = true;
    if (m_process.state() == QProcess::NotRunning)
        return;
    if (m_process.state() == QProcess::Running)
        send(QuitCommand{});
    m_process.closeWriteChannel();
    if (!m_process.waitForFinished(waitMs)) {
        m_process.kill();
        m_process.waitForFinished(2000);
    }
}

void EngineProcess::send(Command command, std::function<void(const Reply&)> onReply) {
    if (m_process.state() == QProcess::NotRunning) {
        Q_EMIT refused(tr("The engine is not running."));
        return;
    }
    const std::int64_t id = m_nextId++;
    m_waiting[id] = std::move(onReply);
    m_process.write(QByteArray::fromStdString(formatRequest({id, std::move(command)}) + "\n"));
}

void EngineProcess::submit(const QList<ui::ChatTurn>& messages, const ui::SamplingChoice& sampling) {
    PromptCommand command;
    for (const ui::ChatTurn& turn : messages)
        command.messages.push_back({text(turn.role), text(turn.text)});
    command.maxTokens = sampling.maxTokens;
    command.temperature = sampling.temperature;
    command.topK = sampling.topK;
    command.topP = sampling.topP;
    command.minP = sampling.minP;
    command.repeatPenalty = sampling.repeatPenalty;
    command.seed = sampling.seed;
    for (const QString& stop : sampling.stop)
        command.stop.push_back(text(stop));
    send(std::move(command));
}

void EngineProcess::set(const QString& name, const QString& value) {
    send(SetCommand{text(name), text(value)}, [this, name, value](const Reply& reply) {
        if (reply.ok)
            m_options.settings[name] = value; // a restarted engine goes on with them
    });
}

void EngineProcess::readOutput() {
    m_output += m_process.readAllStandardOutput();
    for (qsizetype end = m_output.indexOf('\n'); end >= 0; end = m_output.indexOf('\n')) {
        const QByteArray line = m_output.first(end);
        m_output.remove(0, end + 1);
        if (!line.trimmed().isEmpty())
            understand(line);
    }
}

void EngineProcess::readErrors() {
    m_errors += m_process.readAllStandardError();
    if (m_errors.size() > kKeptErrors)
        m_errors = m_errors.last(kKeptErrors);
}

void EngineProcess::understand(const QByteArray& line) {
    try {
        const Message message = parseMessage(line.toStdString());
        if (const auto* notice = std::get_if<Notice>(&message)) {
            hear(*notice);
            return;
        }
        const auto& reply = std::get<Reply>(message);
        const auto onReply = reply.id ? m_waiting.take(*reply.id) : std::function<void(const Reply&)>();
        if (!reply.ok)
            Q_EMIT refused(text(reply.error));
        if (onReply)
            onReply(reply);
    } catch (const ProtocolError& problem) {
        Q_EMIT refused(tr("The engine said something that cannot be understood: %1").arg(QString::fromUtf8(problem.what())));
    }
}

void EngineProcess::hear(const Notice& notice) {
    if (notice.name == "session" || notice.name == "ready")
        beginSession(valueText(notice.values, "session"));
    else if (notice.name == "recording_paused")
        Q_EMIT recordingPaused(text(valueText(notice.values, "reason")));
    else if (notice.name == "recording_resumed")
        Q_EMIT recordingResumed();
    else if (notice.name == "failed" || (notice.name == "answer_ended" && !valueText(notice.values, "error").empty()))
        Q_EMIT refused(text(valueText(notice.values, "error")));
}

void EngineProcess::beginSession(const std::string& path) {
    const QString absolute = QFileInfo(text(path)).absoluteFilePath();
    if (path.empty() || absolute == m_session)
        return;
    m_session = absolute;
    Q_EMIT sessionBegan(m_session);
}

void EngineProcess::finished(int code, QProcess::ExitStatus status) {
    readOutput();
    readErrors();
    m_waiting.clear();
    m_session.clear();
    tell(Phase::Ended, tr("ended"));
    if (m_leaving)
        return;
    QString reason = status == QProcess::CrashExit ? tr("The engine crashed or was killed (signal %1).").arg(code)
                                                   : tr("The engine ended with code %1.").arg(code);
    if (const QString last = lastLine(m_errors); !last.isEmpty())
        reason += tr(" Its last words: %1").arg(last);
    Q_EMIT died(reason + tr(" What was recorded stays open."));
}

void EngineProcess::failedToStart(QProcess::ProcessError error) {
    if (error != QProcess::FailedToStart)
        return;
    m_waiting.clear();
    tell(Phase::Ended, tr("not started"));
    Q_EMIT died(tr("%1 cannot be started: %2.").arg(m_options.program, m_process.errorString()));
}

void EngineProcess::tell(Phase phase, const QString& words) {
    Q_EMIT stateChanged({phase, m_process.processId(), words});
}

} // namespace moescope::app
