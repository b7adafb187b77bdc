#pragma once
#include "ui/selection.h"
#include "ui/session_feed.h"
#include "ui/theme.h"

#include <QWidget>

class QLabel;
class QTableView;

namespace moescope::ui {

class LayerStatsModel;
class RefreshPacer;
class StatsModel;
class TableTwin;

/// All figures of the session up to the cursor, grouped, with their definitions; the layers' own figures beside them. Owned
/// by the main window; GUI thread.
class StatsPanel : public QWidget {
    Q_OBJECT
public:
    StatsPanel(SessionFeed& feed, Selection& selection, const Theme& theme, QWidget* parent = nullptr);

    const StatsModel& model() const { return *m_model; }
    const LayerStatsModel& layerModel() const { return *m_layerModel; }
    QString caption() const { return m_caption; }
    /// Both tables, one after the other. One sentence when it failed.
    QString exportCsv(const QString& path) const;
    QSize sizeHint() const override { return {780, 220}; }

Q_SIGNALS:
    void captionChanged(const QString& caption);

private:
    void buildActions();
    void refresh();
    void chooseExport();
    void selectLayer();
    void followSelection();

    SessionFeed& m_feed;
    Selection& m_selection;
    const Theme& m_theme;
    StatsModel* m_model = nullptr;
    LayerStatsModel* m_layerModel = nullptr;
    TableTwin* m_figures = nullptr;
    TableTwin* m_layers = nullptr;
    QLabel* m_warning = nullptr;
    RefreshPacer* m_pacer = nullptr;
    QString m_caption;
    bool m_following = false;
};

} // namespace moescope::ui
