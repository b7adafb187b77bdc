#pragma once
#include "ui/experts/experts_model.h"
#include "ui/selection.h"
#include "ui/session_feed.h"
#include "ui/theme.h"

#include <QWidget>
#include <memory>

namespace moescope::ui {

class CellInteraction;
class ComboButton;
class ExpertsView;
class PlotWidget;

/// Which experts the router chose: heatmap of layers x experts over the last token, a window, the session or the selected
/// range. Owned by the main window; GUI thread.
class ExpertsPanel : public QWidget {
    Q_OBJECT
public:
    enum class Scope { LastToken, Window, Session, SelectedRange };

    ExpertsPanel(SessionFeed& feed, Selection& selection, const Theme& theme, QWidget* parent = nullptr);
    ~ExpertsPanel() override;

    PlotWidget& plot() const { return *m_plot; }
    const ExpertsModel& model() const { return *m_model; }
    QString caption() const { return m_caption; }
    void setScope(Scope scope);
    void setValue(analysis::UsageValue value);
    QSize sizeHint() const override { return {400, 300}; }

Q_SIGNALS:
    void captionChanged(const QString& caption);

private:
    void buildHeader();
    void refresh();
    analysis::TokenRange range(const analysis::Snapshot& snapshot) const;
    void updateCaption(const analysis::TokenRange& tokens);
    void updateOutlines(const analysis::Snapshot& snapshot);
    QString readoutFor(trace::ExpertKey key) const;

    SessionFeed& m_feed;
    Selection& m_selection;
    PlotWidget* m_plot = nullptr;
    ExpertsModel* m_model = nullptr;
    ComboButton* m_value = nullptr;
    ComboButton* m_scope = nullptr;
    std::unique_ptr<ExpertsView> m_view;
    CellInteraction* m_cells = nullptr;
    QString m_caption;
    struct Drawn {
        std::int64_t seq = -1;
        QString file;
        analysis::TokenRange range;
        int value = -1;
        friend bool operator==(const Drawn&, const Drawn&) = default;
    };
    Drawn m_drawn;
};

} // namespace moescope::ui
