#pragma once
#include "ui/commands.h"
#include "ui/theme.h"

#include <QByteArray>
#include <QSettings>
#include <QStringList>

namespace moescope::ui {

/// What the window remembers between two starts. Owned by app; GUI thread.
class SettingsStore {
public:
    /// Empty: the platform's place for this user and program.
    explicit SettingsStore(const QString& file = {});

    Theme::Mode themeMode() const;
    void setThemeMode(Theme::Mode mode);

    /// Layouts of another version are forgotten.
    QByteArray windowGeometry() const;
    QByteArray windowLayout() const;
    /// The panels that the layout knows; others have come since.
    QStringList layoutPanels() const;
    void setWindow(const QByteArray& geometry, const QByteArray& layout, const QStringList& panels);
    void forgetLayout();

    QStringList recentSessions() const; ///< newest first, at most kRecent, only files that exist
    void addRecentSession(const QString& path);
    QStringList recentModels() const; ///< as recentSessions()
    void addRecentModel(const QString& path);
    void forgetRecent(); ///< both

    SamplingChoice sampling() const;
    QString systemPrompt() const;
    void setSampling(const SamplingChoice& choice, const QString& systemPrompt);

    static constexpr int kLayoutVersion = 2;
    static constexpr int kRecent = 10;

private:
    QStringList recent(const QString& kind) const;
    void addRecent(const QString& kind, const QString& path);

    mutable QSettings m_settings;
};

} // namespace moescope::ui
