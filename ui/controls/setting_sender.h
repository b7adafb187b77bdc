#pragma once
#include "ui/commands.h"

#include <QMap>
#include <QTimer>

namespace moescope::ui {

/// Sends changed settings down, the newest value of each name, at most 30 times a second. Owned by ControlsPanel; GUI thread.
class SettingSender : public QObject {
    Q_OBJECT
public:
    explicit SettingSender(Commands& commands, QObject* parent = nullptr);

    void send(const QString& name, const QString& value);
    /// Whether the session should have said so by now, or not yet.
    bool expects(const QString& name, const QString& value) const;
    /// Another panel asked for this: nothing is sent, but the session is expected to say so.
    void note(const QString& name, const QString& value);
    /// Whether what Commands says now was said by this sender.
    bool sending() const { return m_sending; }

private:
    void flush();

    struct Sent {
        QString value;
        qint64 atMs = 0;
    };
    Commands& m_commands;
    QTimer m_timer;
    bool m_sending = false;
    QMap<QString, QString> m_waiting;
    QMap<QString, Sent> m_sent;
};

} // namespace moescope::ui
