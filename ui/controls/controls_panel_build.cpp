#include "engine/policy/allocation_policy.h"
#include "engine/policy/cache_policy.h"
#include "engine/policy/gate_policy.h"
#include "engine/policy/prefetch_policy.h"
#include "ui/controls/controls_panel.h"
#include "ui/controls/setting_slider.h"

#include <QBoxLayout>
#include <QComboBox>
#include <QLabel>
#include <QPushButton>
#include <QScrollArea>
#include <QScrollBar>
#include <QSpinBox>

using namespace Qt::StringLiterals;

// How the controls panel is put together; what it does is in controls_panel.cpp.
namespace moescope::ui {

namespace {

constexpr double kSlowestLinkGb = 0.1;
constexpr double kFastestLinkGb = 64;
constexpr double kLeastBudgetMb = 0.1;
constexpr double kMostBudgetMb = 32;

} // namespace

void ControlsPanel::build() {
    auto* outer = new QVBoxLayout(this);
    outer->setContentsMargins(0, 0, 0, 0);
    auto* scroll = new QScrollArea(this);
    scroll->setFrameShape(QFrame::NoFrame);
    scroll->setWidgetResizable(true);
    scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    scroll->setFocusPolicy(Qt::NoFocus);
    auto* content = new QWidget(scroll);
    content->setProperty("clear", true);
    auto* column = new QVBoxLayout(content);
    column->setContentsMargins(0, 0, 4, 0);
    column->setSpacing(8);
    m_reason = new QLabel(content);
    m_reason->setProperty("caption", true);
    m_reason->setWordWrap(true);
    column->addWidget(m_reason);
    makeGate(*column);
    makeCache(*column);
    makePrefetch(*column);
    makeLink(*column);
    column->addWidget(makePresets());
    column->addWidget(makeActions());
    column->addStretch(1);
    scroll->setWidget(content);
    scroll->setMinimumWidth(content->minimumSizeHint().width() + scroll->verticalScrollBar()->sizeHint().width());
    outer->addWidget(scroll);
    setFocusProxy(&m_threshold->slider());
}

QComboBox* ControlsPanel::makeChoice(const QString& setting, const QStringList& values, const QString& tip) {
    auto* choice = new QComboBox(this);
    choice->addItems(values);
    choice->setToolTip(tip);
    choice->setAccessibleName(setting);
    choice->setFont(m_theme.caption());
    choice->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    m_choices[setting] = choice;
    connect(choice, &QComboBox::textActivated, this,
            [this, setting](const QString& value) { changeOne(setting, value, true); });
    return choice;
}

namespace {

QStringList listOf(const std::vector<std::string>& names) {
    QStringList list;
    for (const std::string& name : names)
        list << QString::fromStdString(name);
    return list;
}

} // namespace

void ControlsPanel::makeGate(QVBoxLayout& column) {
    m_threshold = new SettingSlider(tr("Gate"), m_theme, u"good"_s, this);
    m_threshold->addChoice(makeChoice(u"gate"_s, listOf(policy::gatePolicyNames()), tr("Which of the chosen experts run")));
    m_threshold->setScale({SliderScale::Kind::Square, 0, 0.2});
    connect(m_threshold, &SettingSlider::moved, this,
            [this](double value, bool settled) { changeOne(u"gate-threshold"_s, QString::number(rounded(value)), settled); });
    column.addWidget(m_threshold);
}

void ControlsPanel::makeCache(QVBoxLayout& column) {
    m_slots = new SettingSlider(tr("Expert cache"), m_theme, u"accent"_s, this);
    connect(m_slots, &SettingSlider::moved, this, [this](double value, bool settled) {
        const int wanted = static_cast<int>(std::lround(value));
        changeOne(u"cache-experts"_s, QString::number(wanted), settled);
    });
    column.addWidget(m_slots);
    auto* row = new QHBoxLayout;
    row->setSpacing(6);
    const auto add = [&](const QString& name, QComboBox* choice) {
        auto* label = new QLabel(name, this);
        label->setProperty("caption", true);
        label->setBuddy(choice);
        row->addWidget(label);
        row->addWidget(choice);
    };
    add(tr("evict"),
        makeChoice(u"cache"_s, listOf(policy::cachePolicyNames()), tr("Which expert leaves when a slot is needed")));
    row->addStretch(1);
    add(tr("slots"), makeChoice(u"allocation"_s, listOf(policy::allocationPolicyNames()),
                                tr("How the slots are shared out among the layers")));
    column.addLayout(row);
}

void ControlsPanel::makePrefetch(QVBoxLayout& column) {
    m_budget = new SettingSlider(tr("Prefetch"), m_theme, u"accent"_s, this);
    m_budget->addChoice(makeChoice(u"prefetch"_s, listOf(policy::prefetchPolicyNames()),
                                   tr("Which experts are fetched before they are asked for")));
    m_depth = new QSpinBox(this);
    m_depth->setRange(1, 3);
    m_depth->setFont(m_theme.caption());
    m_depth->setPrefix(u"×"_s);
    m_depth->setFixedWidth(38);
    m_depth->setToolTip(tr("Depth: how many layers ahead"));
    m_depth->setAccessibleName(tr("Prefetch depth"));
    m_budget->addChoice(m_depth);
    m_budget->setScale({SliderScale::Kind::Logarithmic, kLeastBudgetMb, kMostBudgetMb});
    connect(m_depth, &QSpinBox::valueChanged, this,
            [this](int depth) { changeOne(u"prefetch-depth"_s, QString::number(depth), true); });
    connect(m_budget, &SettingSlider::moved, this, [this](double value, bool settled) {
        changeOne(u"prefetch-budget-mb"_s, QString::number(rounded(value)), settled);
    });
    column.addWidget(m_budget);
}

void ControlsPanel::makeLink(QVBoxLayout& column) {
    m_link = new SettingSlider(tr("Link"), m_theme, u"warning"_s, this);
    QComboBox* choice =
        makeChoice(u"link"_s, {u"none"_s, u"pcie3x4"_s, u"pcie3x16"_s, u"pcie4x16"_s, u"pcie5x16"_s, u"nvme7"_s},
                   tr("How fast experts arrive: a preset, or a number of GB/s by the slider"));
    choice->setPlaceholderText(tr("GB/s"));
    m_link->addChoice(choice);
    m_link->setScale({SliderScale::Kind::Logarithmic, kSlowestLinkGb, kFastestLinkGb});
    connect(m_link, &SettingSlider::moved, this,
            [this](double value, bool settled) { changeOne(u"link"_s, QString::number(rounded(value)), settled); });
    column.addWidget(m_link);
}

QWidget* ControlsPanel::makePresets() {
    auto* holder = new QWidget(this);
    auto* row = new QHBoxLayout(holder);
    row->setContentsMargins(0, 0, 0, 0);
    row->setSpacing(4);
    for (const ControlPreset& preset : controlPresets()) {
        auto* button = new QPushButton(preset.name, holder);
        button->setProperty("preset", true);
        button->setCheckable(true);
        button->setToolTip(preset.tip);
        row->addWidget(button, 1);
        m_presets << button;
        connect(button, &QPushButton::clicked, this, [this, preset] {
            change(preset.name, preset.values);
            refreshBlocks();
        });
    }
    return holder;
}

QWidget* ControlsPanel::makeActions() {
    auto* holder = new QWidget(this);
    auto* row = new QHBoxLayout(holder);
    row->setContentsMargins(0, 0, 0, 0);
    row->setSpacing(2);
    const auto add = [&](const QString& text, const QString& tip) {
        auto* button = new QPushButton(text, holder);
        button->setProperty("flat", true);
        button->setToolTip(tip);
        row->addWidget(button);
        return button;
    };
    m_undoButton = add(tr("undo"), tr("Take the last change back"));
    m_redoButton = add(tr("redo"), tr("Make it again"));
    m_resetButton = add(tr("reset"), tr("All settings as the program starts with them"));
    row->addStretch(1);
    QPushButton* copy = add(tr("copy as command line"), tr("The command that records a run with these settings"));
    connect(m_undoButton, &QPushButton::clicked, &m_undo, &QUndoStack::undo);
    connect(m_redoButton, &QPushButton::clicked, &m_undo, &QUndoStack::redo);
    connect(m_resetButton, &QPushButton::clicked, this, &ControlsPanel::reset);
    connect(copy, &QPushButton::clicked, this, &ControlsPanel::copyCommandLine);
    return holder;
}

} // namespace moescope::ui
