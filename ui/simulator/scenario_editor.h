#pragma once
#include "ui/simulator/what_if.h"

#include <QWidget>

class QCheckBox;
class QComboBox;
class QGridLayout;
class QLineEdit;

namespace moescope::ui {

/// The form of a scenario: one field per setting, "as recorded" where nothing is asked. Child of SimulatorPanel; GUI thread.
class ScenarioEditor : public QWidget {
    Q_OBJECT
public:
    explicit ScenarioEditor(QWidget* parent = nullptr);

    /// Shows; does not emit.
    void show(const WhatIf& wish);
    /// What the fields say "as recorded" means.
    void setRecording(const session::SessionInfo* info);
    /// The sweep's fields, which stand above the plot.
    QWidget* sweepRow() const { return m_sweepRow; }
    /// By the setting's name; also "calibration", "ideal-copies", "sweep", "sweep-values", "sweep-2", "sweep-2-values".
    QWidget* field(const QString& name) const { return m_fields.value(name); }

Q_SIGNALS:
    /// The user changed it. `text`: what, for the undo menu.
    void edited(const moescope::ui::WhatIf& wish, const QString& text);

private:
    void addChoice(QGridLayout& grid, const simulate::ScenarioSetting& setting);
    void addText(QGridLayout& grid, const QString& name, const QString& label);
    void addCalibration(QGridLayout& grid);
    void buildSweepRow();
    void chooseCalibration();
    void take(const QString& text);
    void showChoice(QComboBox& box, const QString& value);

    WhatIf m_wish;
    QWidget* m_sweepRow = nullptr;
    QMap<QString, QWidget*> m_fields;
    QMap<QString, QComboBox*> m_choices;
    QMap<QString, QLineEdit*> m_texts;
    std::array<QComboBox*, 2> m_axisSettings{};
    std::array<QLineEdit*, 2> m_axisValues{};
    QLineEdit* m_calibration = nullptr;
    QCheckBox* m_ideal = nullptr;
    QString m_modelFolder;
};

} // namespace moescope::ui
