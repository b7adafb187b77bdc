#pragma once
#include "profiler/analysis/snapshot.h"
#include "ui/theme.h"

#include <QWidget>

class QCheckBox;
class QComboBox;
class QLabel;

namespace moescope::ui {

/// What an engine is started with and cannot change while it runs: how much of the GPU is recorded, whether its counters are
/// read, and where experts wait for it. Shows what is in force; a choice is a wish that needs a restart. What is impossible is
/// disabled and says why. Child of ControlsPanel; GUI thread.
class EngineOptions : public QWidget {
    Q_OBJECT
public:
    explicit EngineOptions(const Theme& theme, QWidget* parent = nullptr);

    /// can: the session is the live one of a running engine.
    void show(const analysis::Snapshot& snapshot, bool can);
    /// Why nothing can be chosen here although the session is live; empty if it can.
    QString obstacle() const;

Q_SIGNALS:
    /// words: what would be different, for the question.
    void wanted(const QString& name, const QString& value, const QString& words);

private:
    QComboBox* makeChoice(const QString& name, const QString& tip);

    const Theme& m_theme;
    QComboBox* m_level = nullptr;
    QComboBox* m_memory = nullptr;
    QCheckBox* m_counters = nullptr;
    QLabel* m_note = nullptr;
    bool m_onGpu = false;
};

} // namespace moescope::ui
