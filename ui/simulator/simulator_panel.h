#pragma once
#include "ui/selection.h"
#include "ui/session_feed.h"
#include "ui/simulator/simulation_runner.h"
#include "ui/simulator/sweep_geometry.h"
#include "ui/simulator/what_if.h"
#include "ui/theme.h"

#include <QUndoStack>
#include <QWidget>
#include <memory>

class QAction;
class QLabel;
class QProgressBar;
class QPushButton;
class QStackedWidget;

namespace moescope::ui {

class ComboButton;
class ElidedLabel;
class LiveLabel;
class PlotWidget;
class ResultModel;
class ScenarioEditor;
class SweepView;
class TableTwin;

/// What another setting would have done to the open session: a form, predicted beside recorded figures, a sweep. Simulates on a
/// worker thread, and only what is recorded: of a live session what there is when it is asked. Owned by the main window; GUI
/// thread.
class SimulatorPanel : public QWidget {
    Q_OBJECT
public:
    SimulatorPanel(SessionFeed& feed, Selection& selection, const Theme& theme, QWidget* parent = nullptr);
    ~SimulatorPanel() override;

    /// Where simulated sessions are written; empty: nowhere.
    void setFolder(const QString& sessions);
    const WhatIf& wish() const { return m_wish; }
    ScenarioEditor& editor() const { return *m_editor; }
    SimulationRunner& runner() const { return *m_runner; }
    const ResultModel& results() const { return *m_results; }
    const SweepModel& points() const { return *m_points; }
    PlotWidget& plot() const { return *m_plot; }
    const SweepView& view() const { return *m_view; }
    QUndoStack& undoStack() { return m_undo; }
    QString note() const; ///< the line under the figures
    QString caption() const { return m_caption; }
    /// Simulate, Sweep, Open as session, Copy as command line: for the menu.
    const QList<QAction*>& menuActions() const { return m_actions; }
    QSize sizeHint() const override { return {780, 220}; }

public Q_SLOTS:
    /// The same as if the user had edited it.
    void change(const moescope::ui::WhatIf& wish, const QString& text);
    void simulate();
    void sweep();
    void cancel();
    void openAsSession();
    void copyCommandLine() const;
    /// Index into plottedFigures().
    void setFigure(int index);

Q_SIGNALS:
    void captionChanged(const QString& caption);
    void openRequested(const QString& path);

private:
    enum class Asked { Scenario, Sweep, Session };

    void buildActions();
    QWidget* buildBar();
    QWidget* buildFoot();
    QWidget* buildFigures();
    QWidget* buildSweep();
    void connectParts();
    void connectGestures();
    void followSession();
    void beginSession(const QString& session, const session::SessionInfo* info);
    void apply(const WhatIf& wish);
    void ask(Asked what);
    void showOutcome(const SimulationRunner::Outcome& outcome);
    void takePoints(const std::vector<SweptPoint>& points, const simulate::Figures& recorded);
    void showCancelled();
    void showTrouble(const QString& sentence);
    void showProgress(double share, double secondsLeft);
    void refreshState();
    void refreshActions();
    void refreshEmpty();
    bool answersThis() const;
    void setNote(const QString& text, bool warning);
    void say(const QString& caption);
    void drawSweep(bool fit);
    void hover(const QPointF& at);
    void focusSpot(const SweepSpot& spot);
    void openSpot(const SweepSpot& spot);
    void zoomTo(double begin, double end);
    QString readoutOf(const SweepSpot& spot) const;
    const SweptPoint& pointAt(const SweepSpot& spot) const;

    SessionFeed& m_feed;
    const Theme& m_theme;
    WhatIf m_wish;
    QUndoStack m_undo;
    QString m_session; ///< shown
    QString m_folder;
    bool m_sessionKnown = false; ///< its facts have arrived
    bool m_live = false;
    bool m_grown = false; ///< it was live when it was read: to be read again
    Asked m_asked = Asked::Scenario;
    WhatIf m_simulated;           ///< what the figures are of
    WhatIf m_swept;               ///< what the points are of
    bool m_noteIsProblem = false; ///< the note says why the scenario cannot be simulated
    bool m_userView = false;
    SweepSpot m_focus;
    int m_chosen = -1; ///< point whose scenario was opened
    QString m_caption;

    SimulationRunner* m_runner = nullptr;
    ScenarioEditor* m_editor = nullptr;
    ResultModel* m_results = nullptr;
    SweepModel* m_points = nullptr;
    TableTwin* m_table = nullptr;
    QStackedWidget* m_figures = nullptr; ///< table, or what will appear there
    QLabel* m_empty = nullptr;
    ElidedLabel* m_note = nullptr;
    PlotWidget* m_plot = nullptr;
    ComboButton* m_figure = nullptr;
    std::unique_ptr<SweepView> m_view;
    QProgressBar* m_progress = nullptr;
    LiveLabel* m_remaining = nullptr;
    QPushButton* m_cancel = nullptr;
    QList<QAction*> m_actions;
    QAction* m_simulate = nullptr;
    QAction* m_sweep = nullptr;
    QAction* m_open = nullptr;
    QAction* m_reset = nullptr;
    QAction* m_escape = nullptr; ///< cancels while something runs; else the key is the window's
    QTimer m_soon;               ///< an edit is simulated when the hand has stopped
    QTimer m_patient;            ///< the progress bar appears only for what takes a while
};

} // namespace moescope::ui
