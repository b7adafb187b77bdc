#include "ui/selected/selected_panel.h"

#include "ui/plot/refresh_pacer.h"
#include "ui/plot/table_twin.h"

#include <QAction>
#include <QBoxLayout>
#include <QHeaderView>
#include <QStyledItemDelegate>

namespace moescope::ui {
namespace {

/// Names muted in the body font, values in ink.
class RowDelegate final : public QStyledItemDelegate {
public:
    RowDelegate(const Theme& theme, QObject* parent) : QStyledItemDelegate(parent), m_theme(theme) {}

protected:
    void initStyleOption(QStyleOptionViewItem* option, const QModelIndex& index) const override {
        QStyledItemDelegate::initStyleOption(option, index);
        option->font = m_theme.body();
        option->font.setPixelSize(12);
        option->palette.setColor(QPalette::Text, m_theme.colour(index.column() == 0 ? Theme::Role::Muted : Theme::Role::Ink));
    }

private:
    const Theme& m_theme;
};

} // namespace

SelectedPanel::SelectedPanel(SessionFeed& feed, Selection& selection, const Theme& theme, QWidget* parent)
    : QWidget(parent), m_feed(feed), m_selection(selection), m_model(new SelectedModel(this)), m_table(new TableTwin(theme)),
      m_pacer(new RefreshPacer(*this, RefreshPacer::kTextFrameMs)) {
    setWindowTitle(tr("Selected"));
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(Theme::kGrid / 2, 0, Theme::kGrid / 2, 0);
    column->addWidget(m_table);
    m_table->setModel(m_model);
    m_table->setItemDelegate(new RowDelegate(theme, m_table));
    m_table->setAccessibleName(tr("Selected"));
    m_table->setShowGrid(false);
    m_table->setWordWrap(false);
    m_table->verticalHeader()->hide();
    m_table->verticalHeader()->setDefaultSectionSize(21);
    m_table->horizontalHeader()->hide();
    m_table->horizontalHeader()->setSectionResizeMode(0, QHeaderView::ResizeToContents);
    m_table->horizontalHeader()->setSectionResizeMode(1, QHeaderView::Stretch);
    auto* copy = new QAction(tr("Copy"), m_table);
    copy->setShortcut(QKeySequence::Copy);
    copy->setShortcutContext(Qt::WidgetShortcut);
    connect(copy, &QAction::triggered, m_table, &TableTwin::copySelection);
    m_table->addAction(copy);
    m_table->setContextMenuPolicy(Qt::ActionsContextMenu);
    setFocusProxy(m_table);
    connect(m_pacer, &RefreshPacer::due, this, &SelectedPanel::refresh);
    connect(&feed, &SessionFeed::snapshotChanged, m_pacer, &RefreshPacer::markStale);
    connect(&feed, &SessionFeed::eventReady, this, &SelectedPanel::eventArrived);
    connect(&selection, &Selection::hoverChanged, this, &SelectedPanel::subjectChanged);
    connect(&selection, &Selection::chosenChanged, this, &SelectedPanel::subjectChanged);
    m_pacer->markStale();
}

void SelectedPanel::subjectChanged() {
    const auto& seq = subjectTarget(m_selection).transferSeq;
    if (seq && (!m_transfer || m_transfer->first != *seq))
        m_feed.requestEvent(*seq);
    m_pacer->markStaleNow();
}

void SelectedPanel::eventArrived(qint64 seq, const trace::Event& event) {
    const auto* span = std::get_if<trace::TransferSpan>(&event);
    if (span == nullptr || subjectTarget(m_selection).transferSeq != seq)
        return;
    m_transfer = {seq, *span};
    m_pacer->markStaleNow();
}

SelectedSubject SelectedPanel::subject(const analysis::Snapshot& snapshot) const {
    const Selection::Target& target = subjectTarget(m_selection);
    switch (subjectKind(target)) {
    case SubjectKind::Transfer:
        if (m_transfer && m_transfer->first == *target.transferSeq)
            return describeTransfer(snapshot, m_transfer->second);
        return {tr("transfer"), {{tr("reading"), tr("…"), {}}}};
    case SubjectKind::Expert:
        return describeExpert(snapshot, *target.expert);
    case SubjectKind::Layer:
        return describeLayer(snapshot, *target.layer);
    case SubjectKind::Token:
        return describeToken(snapshot, *target.token);
    case SubjectKind::None:
        break;
    }
    return describeSession(snapshot);
}

void SelectedPanel::refresh() {
    SelectedSubject shown = subject(*m_feed.snapshot());
    if (shown.rows.empty())
        shown.rows.push_back(
            {tr("nothing yet"), tr("point at something"), tr("Point at a token, a layer, an expert or a transfer")});
    m_model->show(std::move(shown.rows));
    if (shown.title != m_caption) {
        m_caption = shown.title;
        Q_EMIT captionChanged(m_caption);
    }
}

} // namespace moescope::ui
