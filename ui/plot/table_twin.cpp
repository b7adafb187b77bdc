#include "ui/plot/table_twin.h"

#include "ui/plot/table_text.h"

#include <QClipboard>
#include <QGuiApplication>
#include <QHeaderView>
#include <QKeyEvent>

namespace moescope::ui {

TableTwin::TableTwin(const Theme& theme, QWidget* parent) : QTableView(parent), m_theme(theme) {
    setEditTriggers(NoEditTriggers);
    setSelectionMode(ExtendedSelection);
    setAlternatingRowColors(false);
    setFrameShape(NoFrame);
    setCornerButtonEnabled(false);
    setTabKeyNavigation(false);
    horizontalHeader()->setDefaultAlignment(Qt::AlignRight | Qt::AlignVCenter);
    horizontalHeader()->setHighlightSections(false);
    horizontalHeader()->setMinimumSectionSize(36);
    verticalHeader()->setDefaultSectionSize(20);
    connect(&theme, &Theme::changed, this, &TableTwin::restyle);
    restyle();
}

void TableTwin::restyle() {
    setFont(m_theme.figures());
    horizontalHeader()->setFont(m_theme.caption());
    verticalHeader()->setFont(m_theme.caption());
}

void TableTwin::copySelection() const {
    if (model() != nullptr)
        QGuiApplication::clipboard()->setText(toTsv(*model(), selectedIndexes()));
}

void TableTwin::keyPressEvent(QKeyEvent* event) {
    if (event->matches(QKeySequence::Copy)) {
        copySelection();
        event->accept();
        return;
    }
    QTableView::keyPressEvent(event);
}

} // namespace moescope::ui
