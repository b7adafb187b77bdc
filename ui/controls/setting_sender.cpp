#include "ui/controls/setting_sender.h"

#include <QDateTime>

namespace moescope::ui {

namespace {
constexpr int kIntervalMs = 34;
/// A change that the session does not confirm within this time was refused: the control goes back to what is in force.
constexpr qint64 kPatienceMs = 1500;
} // namespace

SettingSender::SettingSender(Commands& commands, QObject* parent) : QObject(parent), m_commands(commands) {
    m_timer.setSingleShot(true);
    m_timer.setInterval(kIntervalMs);
    connect(&m_timer, &QTimer::timeout, this, &SettingSender::flush);
}

void SettingSender::send(const QString& name, const QString& value) {
    m_waiting[name] = value;
    m_sent[name] = {value, QDateTime::currentMSecsSinceEpoch()};
    if (!m_timer.isActive()) {
        flush();
        m_timer.start();
    }
}

void SettingSender::note(const QString& name, const QString& value) {
    m_sent[name] = {value, QDateTime::currentMSecsSinceEpoch()};
}

void SettingSender::flush() {
    if (m_waiting.isEmpty())
        return;
    const QMap<QString, QString> now = std::exchange(m_waiting, {});
    m_sending = true;
    for (auto at = now.begin(); at != now.end(); ++at)
        Q_EMIT m_commands.settingRequested(at.key(), at.value());
    m_sending = false;
    m_timer.start();
}

bool SettingSender::expects(const QString& name, const QString& value) const {
    const auto sent = m_sent.find(name);
    return sent != m_sent.end() && sent->value != value && QDateTime::currentMSecsSinceEpoch() - sent->atMs < kPatienceMs;
}

} // namespace moescope::ui
