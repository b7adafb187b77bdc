#pragma once
#include "ui/theme.h"

#include <QTableView>

namespace moescope::ui {

/// A plot's figures as a table: sortable to read, copied as tab-separated text. Child of a PlotWidget.
class TableTwin : public QTableView {
    Q_OBJECT
public:
    explicit TableTwin(const Theme& theme, QWidget* parent = nullptr);
    void copySelection() const;

protected:
    void keyPressEvent(QKeyEvent* event) override;

private:
    void restyle();
    const Theme& m_theme;
};

} // namespace moescope::ui
