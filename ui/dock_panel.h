#pragma once
#include <QDockWidget>

class QLabel;

namespace moescope::ui {

class LiveLabel;
class Theme;

/// A dock drawn as one card: flat title bar (title left, caption right) over the panel. Owned by the main window; GUI thread.
class DockPanel : public QDockWidget {
    Q_OBJECT
public:
    /// The panel's windowTitle() is the title; `name` is what layouts are saved under.
    DockPanel(const QString& name, QWidget* panel, const Theme& theme, QWidget* parent = nullptr);

    QWidget* panel() const { return m_panel; }
    /// In a tab group the tab says the title, and the bar shrinks to the caption.
    void setTabbed(bool tabbed);
    /// Shows the dock, brings its tab to the front and gives the panel the keyboard.
    void focusPanel();

public Q_SLOTS:
    void setCaption(const QString& caption);

private:
    QWidget* makeTitleBar(const Theme& theme);
    QWidget* makeBody();

    QWidget* m_panel;
    QWidget* m_bar = nullptr;
    QLabel* m_title = nullptr;
    LiveLabel* m_caption = nullptr;
};

} // namespace moescope::ui
