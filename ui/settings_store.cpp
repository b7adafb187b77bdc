#include "ui/settings_store.h"

#include <QFileInfo>

using namespace Qt::StringLiterals;

namespace moescope::ui {

namespace {

const QStringList kModes = {u"system"_s, u"light"_s, u"dark"_s};
// Those of layouts that were saved before their panels were.
const QStringList kFirstPanels = {u"chat"_s,       u"experts"_s,  u"cache"_s,    u"timeline"_s, u"tokens"_s,
                                  u"statistics"_s, u"sessions"_s, u"controls"_s, u"gating"_s,   u"selected"_s};

} // namespace

SettingsStore::SettingsStore(const QString& file)
    : m_settings(file.isEmpty() ? QSettings().fileName() : file, QSettings::IniFormat) {}

Theme::Mode SettingsStore::themeMode() const {
    const auto index = kModes.indexOf(m_settings.value(u"window/theme"_s).toString());
    return index < 0 ? Theme::Mode::System : static_cast<Theme::Mode>(index);
}

void SettingsStore::setThemeMode(Theme::Mode mode) {
    m_settings.setValue(u"window/theme"_s, kModes.at(static_cast<int>(mode)));
}

QByteArray SettingsStore::windowGeometry() const {
    return m_settings.value(u"window/geometry"_s).toByteArray();
}

QByteArray SettingsStore::windowLayout() const {
    return m_settings.value(u"window/version"_s).toInt() == kLayoutVersion ? m_settings.value(u"window/layout"_s).toByteArray()
                                                                           : QByteArray();
}

QStringList SettingsStore::layoutPanels() const {
    return m_settings.value(u"window/panels"_s, kFirstPanels).toStringList();
}

void SettingsStore::setWindow(const QByteArray& geometry, const QByteArray& layout, const QStringList& panels) {
    m_settings.setValue(u"window/geometry"_s, geometry);
    m_settings.setValue(u"window/panels"_s, panels);
    m_settings.setValue(u"window/layout"_s, layout);
    m_settings.setValue(u"window/version"_s, kLayoutVersion);
}

void SettingsStore::forgetLayout() {
    m_settings.remove(u"window/layout"_s);
}

QStringList SettingsStore::recent(const QString& kind) const {
    QStringList paths = m_settings.value(u"recent/"_s + kind).toStringList();
    paths.removeIf([](const QString& path) { return !QFileInfo::exists(path); });
    return paths;
}

void SettingsStore::addRecent(const QString& kind, const QString& path) {
    QStringList paths = m_settings.value(u"recent/"_s + kind).toStringList();
    paths.removeAll(path);
    paths.prepend(path);
    m_settings.setValue(u"recent/"_s + kind, paths.mid(0, kRecent));
}

QStringList SettingsStore::recentSessions() const {
    return recent(u"sessions"_s);
}

void SettingsStore::addRecentSession(const QString& path) {
    addRecent(u"sessions"_s, path);
}

QStringList SettingsStore::recentModels() const {
    return recent(u"models"_s);
}

void SettingsStore::addRecentModel(const QString& path) {
    addRecent(u"models"_s, path);
}

void SettingsStore::forgetRecent() {
    m_settings.remove(u"recent"_s);
}

SamplingChoice SettingsStore::sampling() const {
    SamplingChoice choice;
    m_settings.beginGroup(u"sampling"_s);
    choice.temperature = m_settings.value(u"temperature"_s, choice.temperature).toDouble();
    choice.topK = m_settings.value(u"top-k"_s, choice.topK).toInt();
    choice.topP = m_settings.value(u"top-p"_s, choice.topP).toDouble();
    choice.minP = m_settings.value(u"min-p"_s, choice.minP).toDouble();
    choice.repeatPenalty = m_settings.value(u"repeat-penalty"_s, choice.repeatPenalty).toDouble();
    choice.seed = m_settings.value(u"seed"_s, choice.seed).toULongLong();
    choice.maxTokens = m_settings.value(u"max-tokens"_s, choice.maxTokens).toInt();
    choice.stop = m_settings.value(u"stop"_s).toStringList();
    m_settings.endGroup();
    return choice;
}

QString SettingsStore::systemPrompt() const {
    return m_settings.value(u"sampling/system-prompt"_s).toString();
}

void SettingsStore::setSampling(const SamplingChoice& choice, const QString& systemPrompt) {
    m_settings.beginGroup(u"sampling"_s);
    m_settings.setValue(u"temperature"_s, choice.temperature);
    m_settings.setValue(u"top-k"_s, choice.topK);
    m_settings.setValue(u"top-p"_s, choice.topP);
    m_settings.setValue(u"min-p"_s, choice.minP);
    m_settings.setValue(u"repeat-penalty"_s, choice.repeatPenalty);
    m_settings.setValue(u"seed"_s, choice.seed);
    m_settings.setValue(u"max-tokens"_s, choice.maxTokens);
    m_settings.setValue(u"stop"_s, choice.stop);
    m_settings.setValue(u"system-prompt"_s, systemPrompt);
    m_settings.endGroup();
}

} // namespace moescope::ui
