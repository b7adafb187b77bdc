#include "ui/sessions/session_entry.h"

#include "profiler/session/session_reader.h"
#include "ui/words.h"

#include <QCoreApplication>
#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <algorithm>

using namespace Qt::StringLiterals;

namespace moescope::ui {

namespace {

QString settingOf(const session::SessionInfo& info, std::string_view wanted) {
    for (const auto& [name, value] : info.settings) {
        if (name == wanted)
            return QString::fromStdString(value);
    }
    return {};
}

QString originText(session::Origin origin) {
    switch (origin) {
    case session::Origin::Recorded:
        return words("recorded");
    case session::Origin::Simulated:
        return words("simulated");
    case session::Origin::Imported:
        return words("imported");
    }
    return {};
}

} // namespace

SessionEntry readEntry(const QString& path, bool sample) {
    const QFileInfo file(path);
    SessionEntry entry;
    entry.path = path;
    entry.sample = sample;
    entry.bytes = file.size() + QFileInfo(path + u"-wal"_s).size();
    entry.modified = file.lastModified();
    try {
        session::SessionReader reader(QFile::encodeName(path).toStdString());
        const session::SessionInfo& info = reader.info();
        entry.model = QString::fromStdString(info.model.name);
        const QDateTime created = QDateTime::fromString(QString::fromStdString(info.createdUtc), Qt::ISODate).toLocalTime();
        entry.created = created.isValid() ? created.toString(u"yyyy-MM-dd hh:mm"_s) : QString::fromStdString(info.createdUtc);
        entry.link = settingOf(info, "link");
        entry.emulated = !entry.link.isEmpty() && entry.link != u"none"_s;
        entry.finished = info.finished();
        entry.origin = originText(info.origin);
        entry.events = reader.lastSeq();
        entry.durationNs = reader.lastTime();
        entry.tokens = static_cast<qint64>(reader.readTokens(1, reader.lastSeq()).records.size());
    } catch (const std::exception& problem) {
        entry.problem = QString::fromUtf8(problem.what());
    }
    return entry;
}

QList<SessionEntry> scanSessions(const QString& folder, bool samples, const QList<SessionEntry>& known) {
    QList<SessionEntry> entries;
    const QFileInfoList files = QDir(folder).entryInfoList({u"*.moescope"_s}, QDir::Files, samples ? QDir::Name : QDir::Time);
    for (const QFileInfo& file : files) {
        const QString path = file.absoluteFilePath();
        const auto same = std::find_if(known.begin(), known.end(), [&](const SessionEntry& entry) {
            return entry.path == path && entry.modified == file.lastModified() && entry.finished && entry.problem.isEmpty();
        });
        entries << (same != known.end() ? *same : readEntry(path, samples));
    }
    return entries;
}

} // namespace moescope::ui
