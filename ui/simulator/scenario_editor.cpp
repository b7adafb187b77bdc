#include "ui/simulator/scenario_editor.h"

#include <QtWidgets>

using namespace Qt::StringLiterals;

namespace moescope::ui {
namespace {

const QString kBound = u"belady"_s;
const QString kBoundShown = u"belady: a bound"_s;

QString asRecorded(const QString& value) {
    return ScenarioEditor::tr("%1, as recorded").arg(value);
}

/// A wheel that scrolls the form must not change what it passes over.
class QuietChoice final : public QComboBox {
public:
    using QComboBox::QComboBox;

protected:
    void wheelEvent(QWheelEvent* event) override { event->ignore(); }
};

} // namespace

ScenarioEditor::ScenarioEditor(QWidget* parent) : QWidget(parent) {
    setProperty("clear", true);
    auto* grid = new QGridLayout(this);
    grid->setContentsMargins(0, 0, 4, 0);
    grid->setHorizontalSpacing(8);
    grid->setVerticalSpacing(4);
    grid->setColumnStretch(1, 1);
    for (const simulate::ScenarioSetting& setting : simulate::scenarioSettings())
        setting.choices.empty() ? addText(*grid, QString::fromStdString(setting.name), QString::fromStdString(setting.name))
                                : addChoice(*grid, setting);
    addCalibration(*grid);
    m_ideal = new QCheckBox(tr("ideal copies"), this);
    m_ideal->setToolTip(tr("Copies take the link's time only, also where the recording machine could not copy that fast"));
    m_fields[u"ideal-copies"_s] = m_ideal;
    connect(m_ideal, &QCheckBox::clicked, this, [this] { take(tr("ideal copies")); });
    grid->addWidget(m_ideal, grid->rowCount(), 1);
    grid->setRowStretch(grid->rowCount(), 1);
    buildSweepRow();
    setRecording(nullptr);
}

void ScenarioEditor::addChoice(QGridLayout& grid, const simulate::ScenarioSetting& setting) {
    const QString name = QString::fromStdString(setting.name);
    auto* box = new QuietChoice(this);
    box->addItem(QString(), QString());
    for (const std::string& choice : setting.choices) {
        const QString value = QString::fromStdString(choice);
        box->addItem(value == kBound ? kBoundShown : value, value);
        if (value == kBound)
            box->setItemData(
                box->count() - 1,
                tr("Looks into the future: the best that any eviction can reach when every missing expert must take a "
                   "slot. The optimum beside the hit rates may also pass a slot by."),
                Qt::ToolTipRole);
    }
    if (setting.other) {
        box->setEditable(true);
        box->setInsertPolicy(QComboBox::NoInsert);
        box->setCompleter(nullptr);
        box->setToolTip(tr("A preset, or a number of GB/s"));
        connect(box->lineEdit(), &QLineEdit::editingFinished, this, [this, name] { take(name); });
    }
    box->setAccessibleName(name);
    box->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    box->setMinimumContentsLength(9);
    connect(box, &QComboBox::activated, this, [this, name] { take(name); });
    auto* label = new QLabel(name, this);
    label->setProperty("caption", true);
    label->setBuddy(box);
    const int row = grid.rowCount();
    grid.addWidget(label, row, 0);
    grid.addWidget(box, row, 1);
    m_choices[name] = box;
    m_fields[name] = box;
}

void ScenarioEditor::addText(QGridLayout& grid, const QString& name, const QString& shown) {
    auto* text = new QLineEdit(this);
    text->setAccessibleName(name);
    text->setClearButtonEnabled(true);
    text->setMinimumWidth(60);
    connect(text, &QLineEdit::editingFinished, this, [this, name] { take(name); });
    auto* label = new QLabel(shown, this);
    label->setProperty("caption", true);
    label->setBuddy(text);
    const int row = grid.rowCount();
    grid.addWidget(label, row, 0);
    grid.addWidget(text, row, 1);
    m_texts[name] = text;
    m_fields[name] = text;
}

void ScenarioEditor::addCalibration(QGridLayout& grid) {
    addText(grid, u"calibration"_s, tr("calibration"));
    m_calibration = m_texts.take(u"calibration"_s);
    m_calibration->setPlaceholderText(tr("sensitivities of the session"));
    QAction* choose = m_calibration->addAction(style()->standardIcon(QStyle::SP_DirOpenIcon), QLineEdit::TrailingPosition);
    choose->setToolTip(tr("Choose a calibration file"));
    connect(choose, &QAction::triggered, this, &ScenarioEditor::chooseCalibration);
}

void ScenarioEditor::buildSweepRow() {
    m_sweepRow = new QWidget(this);
    auto* row = new QHBoxLayout(m_sweepRow);
    row->setContentsMargins(0, 0, 0, 0);
    row->setSpacing(4);
    for (std::size_t axis = 0; axis < m_axisSettings.size(); ++axis) {
        auto* setting = new QuietChoice(m_sweepRow);
        setting->addItem(axis == 0 ? tr("sweep over …") : tr("and …"), QString());
        for (const simulate::ScenarioSetting& known : simulate::scenarioSettings())
            setting->addItem(QString::fromStdString(known.name), QString::fromStdString(known.name));
        setting->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
        setting->setMinimumContentsLength(4);
        setting->setAccessibleName(axis == 0 ? tr("Sweep over") : tr("Sweep also over"));
        auto* values = new QLineEdit(m_sweepRow);
        values->setPlaceholderText(axis == 0 ? tr("8:64:8 or lru,lfu") : tr("values"));
        values->setToolTip(tr("from:to:step, or values with commas"));
        values->setAccessibleName(axis == 0 ? tr("Values of the sweep") : tr("Values of the second setting"));
        values->setMinimumWidth(36);
        row->addWidget(setting, 3);
        row->addWidget(values, 3);
        connect(setting, &QComboBox::activated, this, [this] { take(tr("sweep")); });
        connect(values, &QLineEdit::editingFinished, this, [this] { take(tr("sweep")); });
        m_axisSettings[axis] = setting;
        m_axisValues[axis] = values;
        const QString name = axis == 0 ? u"sweep"_s : u"sweep-2"_s;
        m_fields[name] = setting;
        m_fields[name + u"-values"_s] = values;
    }
}

void ScenarioEditor::showChoice(QComboBox& box, const QString& value) {
    const int known = box.findData(value);
    if (known >= 0)
        box.setCurrentIndex(known);
    else if (box.isEditable())
        box.setEditText(value);
}

void ScenarioEditor::show(const WhatIf& wish) {
    m_wish = wish;
    for (auto at = m_choices.begin(); at != m_choices.end(); ++at)
        showChoice(*at.value(), wish.settings.value(at.key()));
    for (auto at = m_texts.begin(); at != m_texts.end(); ++at)
        if (at.value()->text() != wish.settings.value(at.key()))
            at.value()->setText(wish.settings.value(at.key()));
    if (m_calibration->text() != wish.calibration)
        m_calibration->setText(wish.calibration);
    m_ideal->setChecked(wish.idealCopies);
    for (std::size_t axis = 0; axis < wish.axes.size(); ++axis) {
        showChoice(*m_axisSettings[axis], wish.axes[axis].setting);
        if (m_axisValues[axis]->text() != wish.axes[axis].values)
            m_axisValues[axis]->setText(wish.axes[axis].values);
        m_axisValues[axis]->setCursorPosition(0);
    }
}

void ScenarioEditor::setRecording(const session::SessionInfo* info) {
    for (auto at = m_choices.begin(); at != m_choices.end(); ++at)
        at.value()->setItemText(0, asRecorded(recordedValue(info, at.key())));
    for (auto at = m_texts.begin(); at != m_texts.end(); ++at)
        at.value()->setPlaceholderText(asRecorded(recordedValue(info, at.key())));
    m_modelFolder = info ? QFileInfo(QString::fromStdString(info->model.path)).path() : QString();
}

void ScenarioEditor::chooseCalibration() {
    const QString path = QFileDialog::getOpenFileName(this, tr("Calibration"), m_modelFolder, tr("Calibrations (*.json)"));
    if (path.isEmpty())
        return;
    m_calibration->setText(path);
    take(tr("calibration"));
}

void ScenarioEditor::take(const QString& text) {
    WhatIf wish;
    const auto put = [&](const QString& name, const QString& value) {
        if (!value.isEmpty())
            wish.settings[name] = value;
    };
    for (auto at = m_choices.begin(); at != m_choices.end(); ++at) {
        const QComboBox& box = *at.value();
        const QString typed = box.isEditable() ? box.currentText().trimmed() : QString();
        const int known = box.isEditable() ? box.findText(typed) : box.currentIndex();
        put(at.key(), known >= 0 ? box.itemData(known).toString() : typed);
    }
    for (auto at = m_texts.begin(); at != m_texts.end(); ++at)
        put(at.key(), at.value()->text().trimmed());
    wish.calibration = m_calibration->text().trimmed();
    wish.idealCopies = m_ideal->isChecked();
    for (std::size_t axis = 0; axis < wish.axes.size(); ++axis)
        wish.axes[axis] = {m_axisSettings[axis]->currentData().toString(), m_axisValues[axis]->text().trimmed()};
    if (wish == m_wish)
        return;
    m_wish = wish;
    Q_EMIT edited(wish, text);
}

} // namespace moescope::ui
