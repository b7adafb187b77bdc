#pragma once
#include <QObject>
#include <QString>
#include <QStringList>
#include <QVariantMap>

namespace moescope::ui {

/// One message of a conversation, as the chat panel sends it down.
struct ChatTurn {
    QString role; ///< "system", "user", "assistant"
    QString text;
};

struct SamplingChoice {
    double temperature = 0.7;
    int topK = 40;
    double topP = 0.95;
    double minP = 0.05;
    double repeatPenalty = 1.0;
    quint64 seed = 7;
    int maxTokens = 256;
    QStringList stop;
};

/// All that ever goes down from the window. Panels call the methods; app connects the signals to the engine's process. The
/// answers come back as events in the session, never as return values.
class Commands : public QObject {
    Q_OBJECT
public:
    using QObject::QObject;

Q_SIGNALS:
    void promptSubmitted(const QList<moescope::ui::ChatTurn>& messages, const moescope::ui::SamplingChoice& sampling);
    void stopRequested();
    /// Takes effect before the next token. Names are those of runtime::settingNames().
    void settingRequested(const QString& name, const QString& value);
    void modelRequested(const QString& path);
    void newSessionRequested();
    void restartRequested();
    /// What an engine is started with: trace-level, pm-sampling, host-memory. Starts it anew.
    void engineOptionRequested(const QString& name, const QString& value);
    void pauseRequested(bool paused);
    void recordingFolderRequested(const QString& folder);
};

} // namespace moescope::ui
