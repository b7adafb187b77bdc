#pragma once
#include "ui/session_feed.h"
#include "ui/theme.h"

#include <QWidget>

class QSlider;

namespace moescope::ui {

class LiveLabel;

/// The slider over the whole session with time and token beside it. Child of the main window; GUI thread.
class ScrubBar : public QWidget {
    Q_OBJECT
public:
    ScrubBar(SessionFeed& feed, const Theme& theme, QWidget* parent = nullptr);

    QSlider& slider() const { return *m_slider; }
    QString readout() const;

private:
    void refresh();
    void moved(int position);

    SessionFeed& m_feed;
    QSlider* m_slider = nullptr;
    LiveLabel* m_readout = nullptr;
};

} // namespace moescope::ui
