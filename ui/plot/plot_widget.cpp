#include "ui/plot/plot_widget.h"

#include "ui/plot/plot_export.h"
#include "ui/plot/plot_gestures.h"
#include "ui/plot/plot_style.h"
#include "ui/plot/table_twin.h"

#include "ui/plot/custom_plot.h"
#include <QtWidgets>

using namespace Qt::StringLiterals;

namespace moescope::ui {
namespace {
constexpr int kReadoutGap = 14;
}

PlotWidget::PlotWidget(const Theme& theme, const QString& name, QWidget* parent)
    : QWidget(parent), m_theme(theme), m_name(name), m_head(new QWidget(this)), m_header(new QHBoxLayout(m_head)),
      m_pages(new QStackedWidget), m_plot(new QCustomPlot), m_table(new TableTwin(theme)), m_empty(new QLabel),
      m_readout(new QLabel(m_plot)), m_more(new QToolButton(this)), m_gestures(new PlotGestures(*m_plot)),
      m_pacer(new RefreshPacer(*this)) {
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->addWidget(m_pages);
    m_pages->addWidget(m_plot);
    m_pages->addWidget(m_table);
    m_pages->addWidget(m_empty);
    setFocusProxy(m_plot);
    m_plot->setMinimumSize(80, 60);
    m_plot->setNoAntialiasingOnDrag(true);
    m_plot->setBufferDevicePixelRatio(devicePixelRatioF());
    m_plot->setAccessibleName(name);
    m_table->setAccessibleName(tr("%1, as a table").arg(name));
    m_plot->installEventFilter(this);
    buildHead();
    buildLabels();
    buildActions();
    connect(m_gestures, &PlotGestures::left, this, &PlotWidget::hideReadout);
    connect(m_gestures, &PlotGestures::viewChanged, this, &PlotWidget::hideReadout);
    connect(m_pacer, &RefreshPacer::due, this, [this] {
        Q_EMIT refresh();
        if (m_pages->currentWidget() == m_plot)
            m_plot->replot(QCustomPlot::rpQueuedRefresh);
    });
    connect(&theme, &Theme::changed, this, &PlotWidget::restyle);
    restyle();
}

void PlotWidget::buildHead() {
    m_header->setContentsMargins(0, 0, 0, 0);
    m_header->setSpacing(Theme::kGrid / 2);
    m_head->installEventFilter(this);
    m_more->setText(u"⋯"_s);
    m_more->setProperty("flat", true);
    m_more->setToolTip(tr("Table, copy, export"));
    m_more->setAccessibleName(tr("More for %1").arg(m_name));
    connect(m_more, &QToolButton::clicked, this, [this] { openMenu(m_more->mapToGlobal(QPoint(0, m_more->height()))); });
    m_head->raise();
    m_more->raise();
}

void PlotWidget::buildLabels() {
    m_empty->setAlignment(Qt::AlignCenter);
    m_empty->setWordWrap(true);
    m_empty->setProperty("muted", true);
    m_empty->setContentsMargins(12, kHead, 12, 4);
    m_readout->setAttribute(Qt::WA_TransparentForMouseEvents);
    m_readout->setTextFormat(Qt::RichText);
    m_readout->hide();
}

void PlotWidget::placeHead() {
    const int more = m_more->sizeHint().width();
    const int wanted = std::min(m_head->sizeHint().width(), width() - more - 4);
    m_head->setGeometry(0, 0, std::max(0, wanted), kHead);
    m_more->setGeometry(width() - more, 0, more, kHead);
}

void PlotWidget::resizeEvent(QResizeEvent* event) {
    QWidget::resizeEvent(event);
    placeHead();
}

void PlotWidget::buildActions() {
    m_tableAction = new QAction(tr("Show as table"), this);
    m_tableAction->setCheckable(true);
    m_tableAction->setShortcut(QKeySequence(Qt::CTRL | Qt::Key_T));
    m_tableAction->setShortcutContext(Qt::WidgetWithChildrenShortcut);
    connect(m_tableAction, &QAction::toggled, this, &PlotWidget::showTable);
    addAction(m_tableAction);
    auto* copy = new QAction(tr("Copy"), this);
    copy->setShortcut(QKeySequence::Copy);
    copy->setShortcutContext(Qt::WidgetWithChildrenShortcut);
    connect(copy, &QAction::triggered, this, &PlotWidget::copyPicture);
    addAction(copy);
    m_exportActions << copy;
    for (const QString& suffix : {u"png"_s, u"svg"_s, u"pdf"_s, u"csv"_s}) {
        auto* action = new QAction(tr("Export %1…").arg(suffix.toUpper()), this);
        connect(action, &QAction::triggered, this, [this, suffix] { chooseExport(suffix); });
        m_exportActions << action;
    }
    m_exportActions[1]->setShortcut(QKeySequence(Qt::CTRL | Qt::Key_E));
    m_exportActions[1]->setShortcutContext(Qt::WidgetWithChildrenShortcut);
    addAction(m_exportActions[1]);
}

void PlotWidget::setTable(QAbstractItemModel* model) {
    m_table->setModel(model);
}

bool PlotWidget::tableShown() const {
    return m_pages->currentWidget() == m_table;
}

void PlotWidget::showTable(bool shown) {
    m_tableAction->setChecked(shown);
    QWidget* plain = m_empty->text().isEmpty() ? static_cast<QWidget*>(m_plot) : m_empty;
    m_pages->setContentsMargins(0, shown ? kHead : 0, 0, 0);
    m_pages->setCurrentWidget(shown ? static_cast<QWidget*>(m_table) : plain);
    m_pages->currentWidget()->setFocus();
    markStaleNow();
}

void PlotWidget::setEmptyText(const QString& text) {
    if (m_empty->text() == text)
        return;
    m_empty->setText(text);
    if (!tableShown())
        m_pages->setCurrentWidget(text.isEmpty() ? static_cast<QWidget*>(m_plot) : m_empty);
}

void PlotWidget::setSummary(const QString& text) {
    if (m_plot->accessibleDescription() != text)
        m_plot->setAccessibleDescription(text);
}

void PlotWidget::replotMarks() {
    if (m_marksQueued || !isVisible() || m_pages->currentWidget() != m_plot)
        return;
    m_marksQueued = true;
    QTimer::singleShot(0, this, [this] {
        m_marksQueued = false;
        m_plot->layer(u"overlay"_s)->replot();
    });
}

void PlotWidget::replotSoon() {
    if (isVisible())
        m_plot->replot(QCustomPlot::rpQueuedReplot);
}

void PlotWidget::showReadout(const QPointF& at, const QString& text) {
    if (m_readout->text() != text) {
        m_readout->ensurePolished();
        m_readout->setText(text);
        m_readout->adjustSize();
    }
    const QSize size = m_readout->size();
    QPoint corner = at.toPoint() + QPoint(kReadoutGap, kReadoutGap);
    if (corner.x() + size.width() > m_plot->width())
        corner.setX(std::max(0, at.toPoint().x() - kReadoutGap - size.width()));
    if (corner.y() + size.height() > m_plot->height())
        corner.setY(std::max(0, at.toPoint().y() - kReadoutGap - size.height()));
    m_readout->move(corner);
    m_readout->show();
}

void PlotWidget::renewReadout(const QString& text) {
    if (m_readout->isHidden() || m_readout->text() == text)
        return;
    m_readout->setText(text);
    m_readout->adjustSize();
}

void PlotWidget::hideReadout() {
    m_readout->hide();
}

QString PlotWidget::readout() const {
    return m_readout->isHidden() ? QString() : m_readout->text();
}

QString PlotWidget::exportTo(const QString& path) {
    return exportPlot(*m_plot, m_table->model(), m_name, path);
}

bool PlotWidget::eventFilter(QObject* watched, QEvent* event) {
    if (watched == m_plot && event->type() == QEvent::ContextMenu) {
        openMenu(static_cast<QContextMenuEvent*>(event)->globalPos());
        return true;
    }
    if (watched == m_head && event->type() == QEvent::LayoutRequest)
        placeHead();
    return QWidget::eventFilter(watched, event);
}

void PlotWidget::addMenuAction(QAction* action) {
    addAction(action);
    m_ownActions << action;
}

void PlotWidget::openMenu(const QPoint& globalAt) {
    QMenu menu(this);
    menu.addActions(m_ownActions);
    menu.addAction(m_tableAction);
    menu.addSeparator();
    menu.addActions(m_exportActions);
    menu.exec(globalAt);
}

void PlotWidget::chooseExport(const QString& suffix) {
    const QString proposal = m_name.toLower().replace(u' ', u'-') + u'.' + suffix;
    const QString path = QFileDialog::getSaveFileName(this, tr("Export %1").arg(m_name), proposal, u"*."_s + suffix);
    if (path.isEmpty())
        return;
    const QString trouble = exportTo(path);
    if (!trouble.isEmpty())
        QMessageBox::warning(this, tr("Export %1").arg(m_name), trouble);
}

void PlotWidget::copyPicture() {
    if (tableShown())
        m_table->copySelection();
    else
        QGuiApplication::clipboard()->setPixmap(m_plot->toPixmap(0, 0, 2.0));
}

void PlotWidget::restyle() {
    stylePlot(*m_plot, m_theme);
    m_empty->setFont(m_theme.body());
    m_readout->setFont(m_theme.figures());
    m_readout->setStyleSheet(
        u"QLabel { background: %1; color: %2; border: 1px solid %3; border-radius: 4px; padding: 4px 6px; }"_s.arg(
            m_theme.colour(Theme::Role::Inset).name(), m_theme.colour(Theme::Role::Ink).name(),
            m_theme.colour(Theme::Role::Line).name()));
    Q_EMIT restyled();
    markStaleNow();
}

} // namespace moescope::ui
