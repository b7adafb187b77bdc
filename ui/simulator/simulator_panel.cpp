#include "ui/simulator/simulator_panel.h"

#include "ui/elided_label.h"
#include "ui/format.h"
#include "ui/live_label.h"
#include "ui/plot/combo_button.h"
#include "ui/plot/plot_gestures.h"
#include "ui/plot/plot_widget.h"
#include "ui/simulator/result_model.h"
#include "ui/simulator/scenario_editor.h"
#include "ui/simulator/scenario_undo.h"
#include "ui/simulator/simulated_figures.h"
#include "ui/simulator/sweep_view.h"

#include <QtWidgets>
#include <cmath>

using namespace Qt::StringLiterals;

namespace moescope::ui {
namespace {

constexpr double kReach = 14; // pixels

bool needsCalibration(const QString& value) {
    return value.startsWith(u"adapmoe"_s) || value == u"curves"_s;
}

session::SessionInfo ownFacts() {
    session::SessionInfo facts;
    facts.id = QUuid::createUuid().toString(QUuid::Id128).toStdString();
    facts.createdUtc = QDateTime::currentDateTimeUtc().toString(Qt::ISODate).toStdString();
    facts.programVersion = QCoreApplication::applicationVersion().toStdString();
    facts.build = "simulated in the window, Qt " + std::string(qVersion());
    return facts;
}

QString remaining(double share, double seconds) {
    const QString done = format::percent(share);
    return seconds < 0 ? done : SimulatorPanel::tr("%1, about %2 s left").arg(done).arg(std::max(1L, std::lround(seconds)));
}

} // namespace

void SimulatorPanel::setFolder(const QString& sessions) {
    m_folder = sessions;
    refreshState();
}

QString SimulatorPanel::note() const {
    return m_note->text();
}

void SimulatorPanel::followSession() {
    const analysis::SnapshotPtr snapshot = m_feed.snapshot();
    const QString session = QString::fromStdString(snapshot->file);
    const bool known = snapshot->info != nullptr;
    if (session == m_session && snapshot->live == m_live && known == m_sessionKnown)
        return;
    m_grown = m_live && session == m_session;
    if (session != m_session || known != m_sessionKnown)
        beginSession(session, snapshot->info.get());
    m_live = snapshot->live;
    refreshEmpty();
    refreshState();
}

void SimulatorPanel::beginSession(const QString& session, const session::SessionInfo* info) {
    m_session = session;
    m_sessionKnown = info != nullptr;
    m_soon.stop();
    m_runner->forget();
    m_results->clear();
    m_points->clear();
    m_chosen = -1;
    setNote({}, false);
    say({});
    m_editor->setRecording(info);
    if (info && m_wish.axes == WhatIf().axes) {
        m_wish.axes[0] = proposedSweep(*info);
        m_editor->show(m_wish);
    }
    drawSweep(true);
}

void SimulatorPanel::refreshEmpty() {
    if (m_session.isEmpty())
        m_empty->setText(
            tr("Would another cache, gate or link have been better? Open a session, or send a message: its routing is run "
               "again."));
    else if (m_live)
        m_empty->setText(
            tr("Recorded and predicted figures will stand here side by side; Simulate takes what is recorded up to now."));
    else
        m_empty->setText(
            tr("Recorded and predicted figures will stand here side by side: choose what should differ, then Simulate."));
    m_figures->setCurrentIndex(m_results->empty() ? 0 : 1);
    m_plot->setEmptyText(m_points->axes().empty() ? tr("Sweep: a figure over the setting above, and Belady's bound.")
                                                  : QString());
}

void SimulatorPanel::change(const WhatIf& wish, const QString& text) {
    WhatIf wanted = wish;
    const auto fresh = [&](const QString& setting) {
        const QString value = wish.settings.value(setting);
        return needsCalibration(value) && value != m_wish.settings.value(setting);
    };
    // The session holds one kind of sensitivities; the file beside its model holds them all.
    if (const auto info = m_feed.snapshot()->info;
        info && wish.calibration.isEmpty() && (fresh(u"gate"_s) || fresh(u"allocation"_s))) {
        const QString beside = QFileInfo(QString::fromStdString(info->model.path)).dir().filePath(u"calibration.json"_s);
        if (QFileInfo::exists(beside))
            wanted.calibration = beside;
    }
    if (wanted != m_wish)
        m_undo.push(new ScenarioUndo(text, m_wish, wanted, [this](const WhatIf& to) { apply(to); }));
}

void SimulatorPanel::apply(const WhatIf& wish) {
    m_wish = wish;
    m_editor->show(wish);
    refreshState();
    WhatIf alike = m_simulated;
    alike.axes = wish.axes;
    if (m_results->empty() || alike == wish || !problemOf(wish, false).isEmpty())
        return;
    // Once the recording is read, an answer is near: no button has to be pressed for it.
    if (m_runner->knows(m_session) && !(m_runner->running() && m_asked == Asked::Sweep))
        m_soon.start();
    else
        setNote(tr("The figures are of other settings; Simulate renews them."), true);
}

void SimulatorPanel::simulate() {
    ask(Asked::Scenario);
}

void SimulatorPanel::sweep() {
    ask(Asked::Sweep);
}

void SimulatorPanel::cancel() {
    m_soon.stop();
    m_runner->cancel();
}

void SimulatorPanel::ask(Asked what) {
    m_soon.stop();
    if (m_session.isEmpty())
        return;
    if (const QString problem = problemOf(m_wish, what == Asked::Sweep); !problem.isEmpty()) {
        setNote(problem, true);
        return;
    }
    SimulationRunner::Request request;
    request.session = m_session;
    request.again = m_live || std::exchange(m_grown, false);
    request.scenario = scenarioOf(m_wish);
    if (what == Asked::Sweep)
        request.axes = axesOf(m_wish);
    if (what == Asked::Session) {
        QDir().mkpath(m_folder);
        request.output = freshFile(m_folder, m_session);
        request.facts = ownFacts();
    }
    m_asked = what;
    (what == Asked::Sweep ? m_swept : m_simulated) = m_wish;
    m_runner->run(request);
}

void SimulatorPanel::openAsSession() {
    if (m_open->isEnabled())
        ask(Asked::Session);
}

void SimulatorPanel::copyCommandLine() const {
    const bool swept = m_points->rowCount() > 0 && problemOf(m_wish, true).isEmpty();
    QGuiApplication::clipboard()->setText(commandLine(m_wish, m_session, swept));
}

bool SimulatorPanel::answersThis() const {
    return m_runner->request().session == m_session;
}

void SimulatorPanel::showOutcome(const SimulationRunner::Outcome& outcome) {
    if (!answersThis())
        return refreshState();
    const QString scope =
        m_live ? tr("Up to token %1 of a session that is still recorded. ").arg(outcome.upToToken) : QString();
    setNote(scope + outcome.caveat, false);
    const QString kind = outcome.approximate ? tr("estimate, approximate") : tr("estimate");
    if (m_asked == Asked::Sweep) {
        say(tr("%1 · %2 points").arg(kind).arg(m_points->rowCount()));
    } else {
        m_results->show(outcome.recorded, outcome.estimate, outcome.approximate, outcome.caveat);
        say(tr("%1 · hit %2, optimum %3 · %4 per token")
                .arg(kind, format::share(outcome.estimate.hitRate()), format::share(outcome.estimate.optimumHitRate()),
                     format::milliseconds(outcome.estimate.msPerToken())));
    }
    refreshEmpty();
    refreshState();
    if (m_asked == Asked::Session)
        Q_EMIT openRequested(m_runner->request().output);
}

void SimulatorPanel::showCancelled() {
    if (answersThis())
        setNote(m_asked == Asked::Sweep && m_points->rowCount() > 0 ? tr("Cancelled; the points so far stand.")
                                                                    : tr("Cancelled; nothing was written."),
                false);
    refreshState();
}

void SimulatorPanel::takePoints(const std::vector<SweptPoint>& points, const simulate::Figures& recorded) {
    if (!answersThis())
        return;
    if (points.empty()) {
        m_points->begin(m_runner->request().axes, recorded);
        m_chosen = -1;
        m_userView = false;
    }
    m_points->append(points);
    refreshEmpty();
    drawSweep(!m_userView);
}

void SimulatorPanel::showTrouble(const QString& sentence) {
    if (answersThis())
        setNote(sentence, true);
    refreshState();
}

void SimulatorPanel::showProgress(double share, double secondsLeft) {
    m_progress->setValue(static_cast<int>(share * m_progress->maximum()));
    m_remaining->setText(remaining(share, secondsLeft));
}

void SimulatorPanel::refreshState() {
    const bool busy = m_runner->running();
    const bool shown = busy && !m_patient.isActive();
    m_progress->setVisible(shown);
    m_remaining->setVisible(shown);
    m_cancel->setVisible(shown);
    m_escape->setEnabled(busy);
    refreshActions();
    if (const QString problem = problemOf(m_wish, false); !problem.isEmpty()) {
        setNote(problem, true);
        m_noteIsProblem = true;
    } else if (m_noteIsProblem) {
        setNote({}, false);
    }
}

void SimulatorPanel::refreshActions() {
    const QString none = m_session.isEmpty() ? tr("No session is open") : QString();
    const auto first = [](std::initializer_list<QString> reasons) {
        const auto found =
            std::find_if(reasons.begin(), reasons.end(), [](const QString& reason) { return !reason.isEmpty(); });
        return found == reasons.end() ? QString() : *found;
    };
    const auto set = [](QAction& action, const QString& reason, const QString& tip) {
        action.setEnabled(reason.isEmpty());
        action.setToolTip(reason.isEmpty() ? tip : reason);
    };
    const QString live = m_live ? tr(" The session is still recorded: it takes what there is now.") : QString();
    const QString problem = problemOf(m_wish, false);
    set(*m_simulate, first({none, problem}), tr("Run the recording under these settings.") + live);
    set(*m_sweep, first({none, problemOf(m_wish, true)}), tr("Simulate every value of the sweep.") + live);
    set(*m_open, first({none, problem, m_folder.isEmpty() ? tr("There is no folder for sessions") : QString()}),
        tr("Write the simulated run as a new session and open it"));
    m_actions[3]->setEnabled(none.isEmpty());
    m_reset->setEnabled(!m_wish.settings.isEmpty() || !m_wish.calibration.isEmpty() || m_wish.idealCopies);
}

void SimulatorPanel::setNote(const QString& text, bool warning) {
    m_noteIsProblem = false;
    m_note->setText(text);
    m_note->setToolTip(text);
    if (m_note->property("warning").toBool() == warning)
        return;
    m_note->setProperty("warning", warning);
    m_note->style()->unpolish(m_note);
    m_note->style()->polish(m_note);
}

void SimulatorPanel::say(const QString& caption) {
    if (caption == m_caption)
        return;
    m_caption = caption;
    Q_EMIT captionChanged(caption);
}

void SimulatorPanel::setFigure(int index) {
    m_figure->setCurrent(index);
}

void SimulatorPanel::drawSweep(bool fit) {
    const int figure = plottedFigures()[static_cast<std::size_t>(m_figure->current())];
    const auto& axes = m_points->axes();
    const auto title = [&](std::size_t axis) {
        return axis < axes.size() ? QString::fromStdString(axes[axis].setting) : QString();
    };
    m_focus = {};
    m_view->show(sweepPicture(*m_points, figure), title(0), simulatedFigures()[static_cast<std::size_t>(figure)].axis, title(1),
                 m_points->approximate(), fit);
    m_view->focus().setSpots({}, spotOf(m_view->picture(), m_chosen));
    const SweepPicture& picture = m_view->picture();
    m_plot->gestures().setHorizontalLimits(QCPRange(picture.left, picture.right), (picture.right - picture.left) / 50);
    m_plot->gestures().setVerticalLimits(QCPRange(picture.bottom, picture.top), (picture.top - picture.bottom) / 50);
    m_plot->setSummary(tr("%1 over %2, %3 points.")
                           .arg(simulatedFigures()[static_cast<std::size_t>(figure)].name, title(0))
                           .arg(m_points->rowCount()));
    m_plot->markStaleNow();
}

const SweptPoint& SimulatorPanel::pointAt(const SweepSpot& spot) const {
    const SweepPicture::Line& line = m_view->picture().lines[static_cast<std::size_t>(spot.line)];
    return m_points->points()[static_cast<std::size_t>(line.points[static_cast<std::size_t>(spot.place)])];
}

void SimulatorPanel::hover(const QPointF& at) {
    const SweepSpot spot =
        nearestSpot(m_view->picture(), at, kReach, [this](double x, double y) { return m_view->lines().pixelOf(x, y); });
    focusSpot(spot);
    if (spot.valid())
        m_plot->showReadout(at, readoutOf(spot));
    else
        m_plot->hideReadout();
}

void SimulatorPanel::focusSpot(const SweepSpot& spot) {
    m_focus = spot;
    if (m_view->focus().setSpots(spot, spotOf(m_view->picture(), m_chosen)))
        m_plot->replotMarks();
}

void SimulatorPanel::openSpot(const SweepSpot& spot) {
    if (!spot.valid())
        return;
    const SweepPicture::Line& line = m_view->picture().lines[static_cast<std::size_t>(spot.line)];
    m_chosen = line.points[static_cast<std::size_t>(spot.place)];
    const SweptPoint& point = pointAt(spot);
    WhatIf wish = atPoint(m_swept, m_points->axes(), point.values);
    wish.axes = m_wish.axes;
    change(wish, tr("point of the sweep"));
    m_soon.stop(); // its figures are there already
    m_simulated = wish;
    m_results->show(m_points->recorded(), point.figures, point.approximate, point.caveat);
    setNote(point.caveat, false);
    refreshEmpty();
    focusSpot(spot);
}

void SimulatorPanel::zoomTo(double begin, double end) {
    m_view->focus().setRange(std::nullopt);
    if (end > begin) {
        m_view->xAxis().setRange(begin, end);
        m_userView = true;
    }
    m_plot->replotSoon();
}

QString SimulatorPanel::readoutOf(const SweepSpot& spot) const {
    const SweptPoint& point = pointAt(spot);
    QStringList head;
    for (std::size_t i = 0; i < m_points->axes().size(); ++i)
        head << u"%1 %2"_s.arg(QString::fromStdString(m_points->axes()[i].setting), QString::fromStdString(point.values[i]))
                    .toHtmlEscaped();
    QString body;
    for (const int figure : {0, 1, 3, 5, 6, 7, 9}) {
        const SimulatedFigure& shown = simulatedFigures()[static_cast<std::size_t>(figure)];
        body += u"<tr><td>%1&nbsp;&nbsp;</td><td align=right>%2</td></tr>"_s.arg(shown.name, shown.text(point.figures));
    }
    return u"<b>%1</b>%2<table cellspacing=0>%3</table>"_s.arg(head.join(u", "_s),
                                                               point.approximate ? tr(" (approximate)") : QString(), body);
}

} // namespace moescope::ui
