#pragma once
#include "app/serve_protocol.h"
#include "ui/commands.h"
#include "ui/engine_state.h"

#include <QMap>
#include <QObject>
#include <QProcess>
#include <QTimer>

namespace moescope::app {

/// The window's hold on `moescope-engine serve`: starts it, sends it what Commands asks for, hears its replies and notices.
/// What happens in the run is not told here but in the session. Survives the child's death. Owned by gui_main; GUI thread.
class EngineProcess : public QObject {
    Q_OBJECT
public:
    struct Options {
        QString program;                 ///< moescope-engine
        QString model;                   ///< empty: the bundled one
        QString sessions;                ///< folder for new sessions
        int threads = 0;                 ///< 0: the engine's choice
        QMap<QString, QString> settings; ///< at the start, by name
        int traceLevel = 0;
        bool pmSampling = false;
        QString hostMemory; ///< empty: pinned
    };
    EngineProcess(Options options, ui::Commands& commands, QObject* parent = nullptr);
    ~EngineProcess() override;

    void start();
    /// Asks the engine to finish the session and waits for it, at most that long; then ends it.
    void shutDown(int waitMs = 5000);
    qint64 pid() const { return m_process.processId(); }
    const Options& options() const { return m_options; }

Q_SIGNALS:
    void stateChanged(const moescope::ui::EngineState& state);
    void sessionBegan(const QString& path);
    void recordingPaused(const QString& reason);
    void recordingResumed();
    /// Something that was asked for could not be done; the engine goes on.
    void refused(const QString& sentence);
    /// The engine's process is gone without having been asked to go.
    void died(const QString& sentence);

private:
    void connectCommands(ui::Commands& commands);
    void send(Command command, std::function<void(const Reply&)> onReply = {});
    void load();
    void restart();
    void submit(const QList<ui::ChatTurn>& messages, const ui::SamplingChoice& sampling);
    void set(const QString& name, const QString& value);
    void setOption(const QString& name, const QString& value);
    QStringList arguments() const;
    void readOutput();
    void readErrors();
    void understand(const QByteArray& line);
    void hear(const Notice& notice);
    void finished(int code, QProcess::ExitStatus status);
    void failedToStart(QProcess::ProcessError error);
    void tell(ui::EngineState::Phase phase, const QString& text);
    void beginSession(const std::string& path);

    Options m_options;
    QProcess m_process;
    QByteArray m_output; ///< an unfinished line
    QByteArray m_errors; ///< the end of what the child wrote to stderr
    std::int64_t m_nextId = 1;
    QMap<qint64, std::function<void(const Reply&)>> m_waiting;
    QString m_session;
    bool m_leaving = false; ///< the end of the process is wanted
};

} // namespace moescope::app
