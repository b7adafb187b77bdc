#pragma once
#include "ui/selected/selected_model.h"
#include "ui/session_feed.h"
#include "ui/theme.h"

#include <QWidget>

namespace moescope::ui {

class RefreshPacer;
class TableTwin;

/// Everything about the token, layer, expert or transfer that is hovered, else chosen; the session when nothing is. Owned by
/// the main window; GUI thread.
class SelectedPanel : public QWidget {
    Q_OBJECT
public:
    SelectedPanel(SessionFeed& feed, Selection& selection, const Theme& theme, QWidget* parent = nullptr);

    const SelectedModel& model() const { return *m_model; }
    QString caption() const { return m_caption; }
    QSize sizeHint() const override { return {270, 200}; }

Q_SIGNALS:
    void captionChanged(const QString& caption);

private:
    void refresh();
    void subjectChanged();
    void eventArrived(qint64 seq, const trace::Event& event);
    SelectedSubject subject(const analysis::Snapshot& snapshot) const;

    SessionFeed& m_feed;
    Selection& m_selection;
    SelectedModel* m_model = nullptr;
    TableTwin* m_table = nullptr;
    RefreshPacer* m_pacer = nullptr;
    QString m_caption;
    std::optional<std::pair<qint64, trace::TransferSpan>> m_transfer; ///< the last that was read
};

} // namespace moescope::ui
