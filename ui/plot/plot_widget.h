#pragma once
#include "ui/plot/refresh_pacer.h"
#include "ui/theme.h"

#include <QWidget>

class QAbstractItemModel;
class QCustomPlot;
class QHBoxLayout;
class QLabel;
class QMenu;
class QStackedWidget;
class QToolButton;

namespace moescope::ui {

class PlotGestures;
class TableTwin;

/// A plot with all that the house promises of one: shared gestures, theme, read-out, table twin, export, empty state, and a
/// pace that leaves the cores to the engine. Panels put their drawing on plot() and their controls into header(). GUI thread.
class PlotWidget : public QWidget {
    Q_OBJECT
public:
    /// The header lies over the plot's uppermost pixels, which drawings leave free.
    static constexpr int kHead = 20;

    /// name: for screen readers and file names, e.g. "Expert activations".
    PlotWidget(const Theme& theme, const QString& name, QWidget* parent = nullptr);

    QCustomPlot& plot() const { return *m_plot; }
    PlotGestures& gestures() const { return *m_gestures; }
    QHBoxLayout& header() const { return *m_header; }
    RefreshPacer& pacer() const { return *m_pacer; }
    const Theme& theme() const { return m_theme; }

    void setTable(QAbstractItemModel* model);
    /// Puts the panel's own action before the others of the menu; its shortcut acts while the plot has the focus.
    void addMenuAction(QAction* action);
    bool tableShown() const;
    void showTable(bool shown);
    /// A non-empty text replaces the plot by words: what will appear and how to make it appear.
    void setEmptyText(const QString& text);
    /// What a screen reader says about the plot's content.
    void setSummary(const QString& text);

    /// The content changed: refresh() follows when the plot is visible and its turn has come, then a replot.
    void markStale() { m_pacer->markStale(); }
    void markStaleNow() { m_pacer->markStaleNow(); }
    /// Only cursor, hover and selection changed: redraws the overlay layer.
    void replotMarks();
    /// A range changed by hand: redraws all, no recomputation.
    void replotSoon();

    /// Exact figures beside the pointer; moves nothing else. Rich text.
    void showReadout(const QPointF& at, const QString& text);
    void hideReadout();
    QString readout() const;
    /// New words for a read-out that is shown; it stays where it is.
    void renewReadout(const QString& text);

    /// Styles what is on the plot; panels call it once their axes stand. Ends with restyled().
    void restyle();

    /// By suffix: png, svg, pdf, csv. One sentence when it failed.
    QString exportTo(const QString& path);

Q_SIGNALS:
    void refresh();
    void restyled();

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    void buildHead();
    void buildLabels();
    void buildActions();
    void placeHead();
    void openMenu(const QPoint& globalAt);
    void chooseExport(const QString& suffix);
    void copyPicture();

    const Theme& m_theme;
    QString m_name;
    QWidget* m_head = nullptr;
    QHBoxLayout* m_header = nullptr;
    QStackedWidget* m_pages = nullptr;
    QCustomPlot* m_plot = nullptr;
    TableTwin* m_table = nullptr;
    QLabel* m_empty = nullptr;
    QLabel* m_readout = nullptr;
    QToolButton* m_more = nullptr;
    PlotGestures* m_gestures = nullptr;
    RefreshPacer* m_pacer = nullptr;
    QAction* m_tableAction = nullptr;
    QList<QAction*> m_exportActions;
    QList<QAction*> m_ownActions; ///< of the panel around this
    bool m_marksQueued = false;
};

} // namespace moescope::ui
