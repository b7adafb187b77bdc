#pragma once
#include "ui/selection.h"
#include "ui/session_feed.h"
#include "ui/theme.h"
#include "ui/tokens/tokens_geometry.h"

#include <QWidget>
#include <memory>

namespace moescope::ui {

class ComboButton;
class PlotWidget;
class TokensModel;
class TokensView;

/// Where each token's time went: stacked bars per pass, sortable. Owned by the main window; GUI thread.
class TokensPanel : public QWidget {
    Q_OBJECT
public:
    TokensPanel(SessionFeed& feed, Selection& selection, const Theme& theme, QWidget* parent = nullptr);
    ~TokensPanel() override;

    PlotWidget& plot() const { return *m_plot; }
    const TokensModel& model() const { return *m_model; }
    QString caption() const { return m_caption; }
    void setOrder(TokenOrder order);
    QSize sizeHint() const override { return {780, 200}; }

Q_SIGNALS:
    void captionChanged(const QString& caption);

private:
    void connectGestures();
    void refresh();
    void showAll();
    void keepView(int before);
    void updateFocus();
    void hover(const QPointF& at);
    void step(int dx);
    void chooseRow(int row);
    void selectRows(double begin, double end);
    QString readoutOf(int row) const;
    int rowOfToken(const std::optional<trace::TokenIndex>& token) const;

    SessionFeed& m_feed;
    Selection& m_selection;
    PlotWidget* m_plot = nullptr;
    TokensModel* m_model = nullptr;
    ComboButton* m_order = nullptr;
    std::unique_ptr<TokensView> m_view;
    QString m_caption;
    std::int64_t m_seq = -1;
    QString m_file;
    bool m_userView = false;
};

} // namespace moescope::ui
