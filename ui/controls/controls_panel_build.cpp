#include "engine/policy/allocation_policy.h"
#include "engine/policy/cache_policy.h"
#include "engine/policy/gate_policy.h"
#include "engine/policy/miss_service.h"
#include "engine/policy/prefetch_policy.h"
#include "ui/controls/controls_panel.h"
#include "ui/controls/engine_options.h"
#include "ui/controls/setting_slider.h"

#include <QBoxLayout>
#include <QCheckBox>
#include <QComboBox>
#include <QDoubleSpinBox>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QScrollArea>
#include <QScrollBar>
#include <QSpinBox>
#include <stdexcept>

using namespace Qt::StringLiterals;

// How the controls panel is put together; what it does is in controls_panel.cpp.
namespace moescope::ui {

namespace {

constexpr double kSlowestLinkGb = 0.1;
constexpr double kFastestLinkGb = 64;
constexpr double kLeastBudgetMb = 0.1;
constexpr double kMostBudgetMb = 32;

QStringList listOf(const std::vector<std::string>& names) {
    QStringList list;
    for (const std::string& name : names)
        list << QString::fromStdString(name);
    return list;
}

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
    m_engineOptions = new EngineOptions(m_theme, content);
    connect(m_engineOptions, &EngineOptions::wanted, this, &ControlsPanel::restartWanted);
    column->addWidget(m_engineOptions);
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

void ControlsPanel::makeGate(QVBoxLayout& column) {
    m_threshold = new SettingSlider(tr("Gate"), m_theme, u"good"_s, this);
    m_threshold->addChoice(makeChoice(u"gate"_s, listOf(policy::gatePolicyNames()), tr("Which of the chosen experts run")));
    m_threshold->setScale(GateRule(u"adapmoe"_s, nullptr, 2).scale());
    connect(m_threshold, &SettingSlider::moved, this,
            [this](double value, bool settled) { changeOne(u"gate-threshold"_s, QString::number(rounded(value)), settled); });
    column.addWidget(m_threshold);
    makeGateDetails(column);
}

QHBoxLayout* ControlsPanel::makeRow(QVBoxLayout& column) {
    auto* row = new QHBoxLayout;
    row->setContentsMargins(0, 0, 0, 0);
    row->setSpacing(6);
    column.addLayout(row);
    return row;
}

QLabel* ControlsPanel::addNamed(QHBoxLayout& row, const QString& name, QWidget* control) {
    auto* label = new QLabel(name, this);
    label->setProperty("caption", true);
    label->setBuddy(control);
    row.addWidget(label);
    row.addWidget(control);
    return label;
}

void ControlsPanel::makeGateDetails(QVBoxLayout& column) {
    QHBoxLayout* row = makeRow(column);
    addNamed(*row, tr("drops in"),
             makeChoice(u"gate-phase"_s, listOf(policy::gatePhaseNames()),
                        tr("Steps in which the gate may drop experts: decode are those of answers, prefill reads prompts")));
    m_layers = new QLineEdit(this);
    m_layers->setFont(m_theme.caption());
    m_layers->setAccessibleName(u"gate-layers"_s);
    m_layers->setMinimumWidth(48);
    addNamed(*row, tr("per layer"), m_layers);
    row->setStretch(3, 1);
    connect(m_layers, &QLineEdit::editingFinished, this, [this] {
        const QString text = m_layers->text().trimmed();
        try {
            const auto overrides = policy::parseLayerOverrides(text.toStdString());
            changeOne(u"gate-layers"_s, QString::fromStdString(policy::formatLayerOverrides(overrides)), true);
        } catch (const std::invalid_argument& problem) {
            m_layers->setToolTip(QString::fromUtf8(problem.what()));
            m_threshold->setNote(QString::fromUtf8(problem.what()));
        }
    });
}

void ControlsPanel::makeCache(QVBoxLayout& column) {
    m_slots = new SettingSlider(tr("Expert cache"), m_theme, u"accent"_s, this);
    connect(m_slots, &SettingSlider::moved, this, [this](double value, bool settled) {
        const int wanted = static_cast<int>(std::lround(value));
        changeOne(u"cache-experts"_s, QString::number(wanted), settled);
    });
    column.addWidget(m_slots);
    QHBoxLayout* row = makeRow(column);
    addNamed(*row, tr("evict"),
             makeChoice(u"cache"_s, listOf(policy::cachePolicyNames()), tr("Which expert leaves when a slot is needed")));
    row->addStretch(1);
    addNamed(*row, tr("slots"),
             makeChoice(u"allocation"_s, listOf(policy::allocationPolicyNames()),
                        tr("How the slots are shared out among the layers")));
    makeWeights(column);
}

void ControlsPanel::makeWeights(QVBoxLayout& column) {
    m_weightRow = new QWidget(this);
    auto* row = new QHBoxLayout(m_weightRow);
    row->setContentsMargins(0, 0, 0, 0);
    row->setSpacing(4);
    const auto add = [&](const QString& name, const QString& meaning) {
        auto* box = new QDoubleSpinBox(m_weightRow);
        box->setRange(0, 1000);
        box->setDecimals(2);
        box->setSingleStep(0.05);
        box->setFont(m_theme.caption());
        box->setFixedWidth(40);
        box->setToolTip(meaning);
        box->setAccessibleName(meaning);
        addNamed(*row, name, box)->setToolTip(meaning);
        m_weights << box;
        connect(box, &QDoubleSpinBox::editingFinished, this, [this] {
            const policy::CacheWeights weights{m_weights[0]->value(), m_weights[1]->value(), m_weights[2]->value()};
            if (weights.lru + weights.lfu + weights.fld > 0)
                changeOne(u"cache-weights"_s, QString::fromStdString(policy::formatCacheWeights(weights)), true);
            refreshWeights();
        });
    };
    add(tr("recent"), tr("Weight of how recently an expert was used; only the ratios of the three count"));
    add(tr("often"), tr("Weight of how often it was used in this answer"));
    add(tr("near"), tr("Weight of how soon its layer's turn comes"));
    row->addStretch(1);
    column.addWidget(m_weightRow);
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
    makePrefetchDetails(column);
}

void ControlsPanel::makePrefetchDetails(QVBoxLayout& column) {
    QHBoxLayout* row = makeRow(column);
    const auto box = [&](const QString& name, const QString& tip) {
        auto* made = new QCheckBox(name, this);
        made->setFont(m_theme.caption());
        made->setToolTip(tip);
        row->addWidget(made);
        return made;
    };
    m_auto = box(tr("auto"), tr("The budget is what the link's measured spare time allows"));
    m_auto->setAccessibleName(tr("Automatic prefetch budget"));
    connect(m_auto, &QCheckBox::clicked, this, [this](bool on) {
        changeOne(u"prefetch-budget-mb"_s, on ? u"auto"_s : QString::number(rounded(m_lastBudget)), true);
    });
    const auto onOff = [&](const QString& setting, const QString& name, const QString& tip) {
        m_switches[setting] = box(name, tip);
        m_switches[setting]->setAccessibleName(setting);
        connect(m_switches[setting], &QCheckBox::clicked, this,
                [this, setting](bool on) { changeOne(setting, on ? u"on"_s : u"off"_s, true); });
    };
    onOff(u"prefetch-first-layer"_s, tr("layer 0"),
          tr("Also guess at the next token's first layer, by the calibration's gate for it"));
    onOff(u"prefetch-watch"_s, tr("watch"), tr("Rest guesses while they cost more time than they hide, and try again later"));
    row->addStretch(1);
    QHBoxLayout* below = makeRow(column);
    m_spare = new QSpinBox(this);
    m_spare->setRange(0, 99);
    m_spare->setFont(m_theme.caption());
    m_spare->setFixedWidth(34);
    m_spare->setAccessibleName(u"prefetch-spare-steps"_s);
    const QString tip = tr("An expert that was used or foreseen within so many steps never leaves for a guess; 0: any may");
    m_spare->setToolTip(tip);
    addNamed(*below, tr("spare what was used within"), m_spare)->setToolTip(tip);
    below->addStretch(1);
    connect(m_spare, &QSpinBox::valueChanged, this,
            [this](int steps) { changeOne(u"prefetch-spare-steps"_s, QString::number(steps), true); });
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
    QHBoxLayout* row = makeRow(column);
    addNamed(
        *row, tr("missed experts"),
        makeChoice(u"miss-service"_s, listOf(policy::missServiceNames()),
                   tr("Who serves a missed expert: copy fetches it, cpu has the processor compute it where it waits, hybrid "
                      "splits the misses of a layer so that both end together")));
    row->addStretch(1);
}

QWidget* ControlsPanel::makePresets() {
    constexpr int kInRow = 3;
    auto* holder = new QWidget(this);
    auto* grid = new QGridLayout(holder);
    grid->setContentsMargins(0, 0, 0, 0);
    grid->setSpacing(4);
    for (const ControlPreset& preset : controlPresets()) {
        auto* button = new QPushButton(preset.name, holder);
        button->setProperty("preset", true);
        button->setCheckable(true);
        button->setToolTip(preset.tip);
        const int place = static_cast<int>(m_presets.size());
        grid->addWidget(button, place / kInRow, place % kInRow);
        m_presets << button;
        connect(button, &QPushButton::clicked, this, [this, preset] { choosePreset(preset); });
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
