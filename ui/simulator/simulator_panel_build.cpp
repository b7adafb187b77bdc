#include "ui/elided_label.h"
#include "ui/live_label.h"
#include "ui/plot/combo_button.h"
#include "ui/plot/plot_gestures.h"
#include "ui/plot/plot_widget.h"
#include "ui/plot/table_twin.h"
#include "ui/simulator/result_model.h"
#include "ui/simulator/scenario_editor.h"
#include "ui/simulator/simulated_figures.h"
#include "ui/simulator/simulator_panel.h"
#include "ui/simulator/sweep_view.h"

#include <QtWidgets>

using namespace Qt::StringLiterals;

// How the simulator panel is put together; what it does is in simulator_panel.cpp.
namespace moescope::ui {
namespace {

constexpr int kEditorWidth = 216;
constexpr int kFiguresWidth = 300;

/// Names in the text font: figures alone need digits of one width.
class NameDelegate final : public QStyledItemDelegate {
public:
    NameDelegate(const Theme& theme, QObject* parent) : QStyledItemDelegate(parent), m_theme(theme) {}

protected:
    void initStyleOption(QStyleOptionViewItem* option, const QModelIndex& index) const override {
        QStyledItemDelegate::initStyleOption(option, index);
        option->font = index.column() == ResultModel::Name ? m_theme.caption() : m_theme.figures();
    }

private:
    const Theme& m_theme;
};

QPushButton* buttonOf(QAction* action, bool flat) {
    auto* button = new QPushButton(action->text());
    button->setProperty(flat ? "flat" : "preset", true);
    QObject::connect(button, &QPushButton::clicked, action, &QAction::trigger);
    const auto follow = [button, action] {
        button->setEnabled(action->isEnabled());
        button->setToolTip(action->toolTip());
    };
    QObject::connect(action, &QAction::changed, button, follow);
    follow();
    return button;
}

} // namespace

SimulatorPanel::SimulatorPanel(SessionFeed& feed, Selection&, const Theme& theme, QWidget* parent)
    : QWidget(parent), m_feed(feed), m_theme(theme), m_runner(new SimulationRunner(this)), m_editor(new ScenarioEditor),
      m_results(new ResultModel(this)), m_points(new SweepModel(this)) {
    setWindowTitle(tr("Simulator"));
    buildActions();
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(4);
    column->addWidget(buildBar());
    auto* parts = new QSplitter(Qt::Horizontal);
    parts->setChildrenCollapsible(false);
    auto* scroll = new QScrollArea;
    scroll->setFrameShape(QFrame::NoFrame);
    scroll->setWidgetResizable(true);
    scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    scroll->setFocusPolicy(Qt::NoFocus);
    scroll->setWidget(m_editor);
    scroll->setMinimumWidth(m_editor->minimumSizeHint().width() + scroll->verticalScrollBar()->sizeHint().width());
    parts->addWidget(scroll);
    parts->addWidget(buildFigures());
    parts->addWidget(buildSweep());
    parts->setSizes({kEditorWidth, kFiguresWidth, 260});
    parts->setStretchFactor(1, 2);
    parts->setStretchFactor(2, 3);
    column->addWidget(parts, 1);
    column->addWidget(buildFoot());
    setFocusProxy(m_editor->field(u"cache"_s));
    connectParts();
    followSession();
    refreshEmpty();
    refreshState();
}

SimulatorPanel::~SimulatorPanel() {
    m_undo.disconnect(this); // it clears itself when it goes, after much of the panel has gone
}

void SimulatorPanel::buildActions() {
    const auto add = [this](const QString& text, const QString& tip, const QKeySequence& key, auto slot) {
        auto* action = new QAction(text, this);
        action->setToolTip(tip);
        action->setShortcut(key);
        connect(action, &QAction::triggered, this, slot);
        m_actions << action;
        return action;
    };
    m_simulate = add(tr("Simulate"), {}, QKeySequence(u"Ctrl+Return"_s), &SimulatorPanel::simulate);
    m_sweep = add(tr("Sweep"), {}, QKeySequence(u"Ctrl+Shift+Return"_s), &SimulatorPanel::sweep);
    m_open = add(tr("open as session"), {}, QKeySequence(u"Ctrl+Shift+O"_s), &SimulatorPanel::openAsSession);
    add(tr("copy as command line"), tr("The command that simulates and sweeps the same without the window"), {},
        &SimulatorPanel::copyCommandLine);
    m_reset = new QAction(tr("reset"), this);
    m_reset->setToolTip(tr("Everything as recorded"));
    connect(m_reset, &QAction::triggered, this, [this] {
        WhatIf plain;
        plain.axes = m_wish.axes;
        change(plain, tr("reset"));
    });
}

QWidget* SimulatorPanel::buildBar() {
    auto* bar = new QWidget;
    auto* row = new QHBoxLayout(bar);
    row->setContentsMargins(0, 0, 0, 0);
    row->setSpacing(4);
    row->addWidget(buttonOf(m_simulate, false));
    row->addWidget(buttonOf(m_sweep, false));
    row->addWidget(m_editor->sweepRow(), 1);
    m_progress = new QProgressBar;
    m_progress->setRange(0, 1000);
    m_progress->setTextVisible(false);
    m_progress->setFixedWidth(60);
    m_progress->setAccessibleName(tr("Progress of the simulation"));
    m_remaining = new LiveLabel(m_theme, Theme::Role::Muted, m_theme.caption(), LiveLabel::Fit::Elide);
    m_remaining->setFixedWidth(116); // the bar must not widen its dock while it works
    m_cancel = new QPushButton(tr("cancel"));
    m_cancel->setProperty("flat", true);
    m_cancel->setToolTip(tr("Stop; nothing is written (Esc)"));
    connect(m_cancel, &QPushButton::clicked, this, &SimulatorPanel::cancel);
    for (QWidget* part :
         {static_cast<QWidget*>(m_progress), static_cast<QWidget*>(m_remaining), static_cast<QWidget*>(m_cancel)}) {
        row->addWidget(part);
        part->hide();
    }
    return bar;
}

QWidget* SimulatorPanel::buildFoot() {
    auto* foot = new QWidget;
    auto* row = new QHBoxLayout(foot);
    row->setContentsMargins(0, 0, 0, 0);
    row->setSpacing(2);
    QAction* undo = m_undo.createUndoAction(this, tr("undo"));
    QAction* redo = m_undo.createRedoAction(this, tr("redo"));
    undo->setShortcut(QKeySequence::Undo);
    redo->setShortcut(QKeySequence::Redo);
    for (QAction* action : {undo, redo}) {
        action->setShortcutContext(Qt::WidgetWithChildrenShortcut);
        addAction(action);
        auto* button = buttonOf(action, true);
        button->setText(action == undo ? tr("undo") : tr("redo"));
        row->addWidget(button);
    }
    row->addWidget(buttonOf(m_reset, true));
    m_note = new ElidedLabel;
    m_note->setProperty("caption", true);
    row->addWidget(m_note, 1);
    row->addWidget(buttonOf(m_actions[3], true));
    row->addWidget(buttonOf(m_open, true));
    return foot;
}

QWidget* SimulatorPanel::buildFigures() {
    m_table = new TableTwin(m_theme);
    m_table->setModel(m_results);
    m_table->setAccessibleName(tr("Recorded and simulated figures"));
    m_table->setShowGrid(false);
    m_table->setItemDelegate(new NameDelegate(m_theme, m_table));
    m_table->verticalHeader()->hide();
    m_table->horizontalHeader()->setSectionResizeMode(QHeaderView::ResizeToContents);
    m_table->horizontalHeader()->setSectionResizeMode(ResultModel::Name, QHeaderView::Stretch);
    m_empty = new QLabel;
    m_empty->setWordWrap(true);
    m_empty->setAlignment(Qt::AlignCenter);
    m_empty->setProperty("muted", true);
    m_empty->setFocusPolicy(Qt::TabFocus); // so that keyboard and screen reader find the explanation
    m_figures = new QStackedWidget;
    m_figures->addWidget(m_empty);
    m_figures->addWidget(m_table);
    return m_figures;
}

QWidget* SimulatorPanel::buildSweep() {
    m_plot = new PlotWidget(m_theme, tr("Sweep"));
    m_plot->setTable(m_points);
    m_view = std::make_unique<SweepView>(m_plot->plot(), m_theme);
    QStringList names;
    for (const int figure : plottedFigures())
        names << simulatedFigures()[static_cast<std::size_t>(figure)].name;
    m_figure = new ComboButton(tr("What is drawn"), names);
    m_plot->header().insertWidget(0, m_figure);
    connect(m_figure, &ComboButton::currentChanged, this, [this] { drawSweep(true); });
    return m_plot;
}

void SimulatorPanel::connectParts() {
    connect(m_editor, &ScenarioEditor::edited, this, &SimulatorPanel::change);
    connect(&m_feed, &SessionFeed::snapshotChanged, this, &SimulatorPanel::followSession);
    connect(m_runner, &SimulationRunner::started, this, [this] {
        m_patient.start();
        refreshState();
    });
    connect(m_runner, &SimulationRunner::progressed, this, &SimulatorPanel::showProgress);
    connect(m_runner, &SimulationRunner::pointsArrived, this, &SimulatorPanel::takePoints);
    connect(m_runner, &SimulationRunner::finished, this, &SimulatorPanel::showOutcome);
    connect(m_runner, &SimulationRunner::failed, this, &SimulatorPanel::showTrouble);
    connect(m_runner, &SimulationRunner::cancelled, this, &SimulatorPanel::showCancelled);
    m_soon.setSingleShot(true);
    m_soon.setInterval(250);
    connect(&m_soon, &QTimer::timeout, this, [this] { ask(Asked::Scenario); });
    m_patient.setSingleShot(true);
    m_patient.setInterval(400);
    connect(&m_patient, &QTimer::timeout, this, &SimulatorPanel::refreshState);
    m_escape = new QAction(this);
    m_escape->setShortcut(Qt::Key_Escape);
    m_escape->setShortcutContext(Qt::WidgetWithChildrenShortcut);
    addAction(m_escape);
    connect(m_escape, &QAction::triggered, this, &SimulatorPanel::cancel);
    connectGestures();
    connect(m_plot, &PlotWidget::restyled, this, [this] { m_view->restyle(); });
    m_plot->restyle();
}

void SimulatorPanel::connectGestures() {
    PlotGestures& gestures = m_plot->gestures();
    gestures.setAxes(&m_view->xAxis(), &m_view->yAxis());
    gestures.setArrowsStep(true);
    connect(&gestures, &PlotGestures::hovered, this, &SimulatorPanel::hover);
    connect(&gestures, &PlotGestures::left, this, [this] { focusSpot({}); });
    connect(&gestures, &PlotGestures::clicked, this, [this](const QPointF& at) {
        hover(at);
        openSpot(m_focus);
    });
    connect(&gestures, &PlotGestures::stepped, this, [this](int dx, int dy) {
        const SweepPicture& picture = m_view->picture();
        const SweepSpot from = m_focus.valid() ? m_focus : spotOf(picture, m_chosen);
        const SweepSpot spot = steppedSpot(picture, from, from.valid() ? dx : 0, from.valid() ? dy : 0);
        focusSpot(spot);
        if (spot.valid())
            m_plot->showReadout(m_view->lines().pixelOf(spot), readoutOf(spot));
    });
    connect(&gestures, &PlotGestures::activated, this, [this] { openSpot(m_focus); });
    connect(&gestures, &PlotGestures::escaped, this, [this] {
        focusSpot({});
        m_plot->hideReadout();
    });
    connect(&gestures, &PlotGestures::viewChanged, this, [this] {
        m_userView = true;
        m_plot->replotSoon();
    });
    connect(&gestures, &PlotGestures::resetRequested, this, [this] {
        m_userView = false;
        m_view->fit();
        m_plot->replotSoon();
    });
    connect(&gestures, &PlotGestures::rangeDragged, this, [this](double begin, double end) {
        m_view->focus().setRange(QCPRange(begin, end));
        m_plot->replotMarks();
    });
    connect(&gestures, &PlotGestures::rangeSelected, this, &SimulatorPanel::zoomTo);
}

} // namespace moescope::ui
