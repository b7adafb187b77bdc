#pragma once
#include "ui/cache/cache_model.h"
#include "ui/selection.h"
#include "ui/session_feed.h"
#include "ui/theme.h"

#include <QWidget>
#include <memory>

namespace moescope::ui {

class CacheView;
class CellInteraction;
class LiveLabel;
class PlotWidget;

/// Which experts are in the fast tier at the cursor, and how close each layer's hit rate comes to the optimum. Owned by the
/// main window; GUI thread.
class CachePanel : public QWidget {
    Q_OBJECT
public:
    CachePanel(SessionFeed& feed, Selection& selection, const Theme& theme, QWidget* parent = nullptr);
    ~CachePanel() override;

    PlotWidget& plot() const { return *m_plot; }
    const CacheModel& model() const { return *m_model; }
    QString caption() const { return m_caption; }
    QSize sizeHint() const override { return {380, 300}; }

Q_SIGNALS:
    void captionChanged(const QString& caption);

private:
    void refresh();
    void updateCaption(const analysis::Snapshot& snapshot);
    void outlineUsed();

    SessionFeed& m_feed;
    Selection& m_selection;
    PlotWidget* m_plot = nullptr;
    CacheModel* m_model = nullptr;
    LiveLabel* m_cursor = nullptr;
    std::unique_ptr<CacheView> m_view;
    CellInteraction* m_cells = nullptr;
    QString m_caption;
};

} // namespace moescope::ui
