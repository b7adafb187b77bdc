#include "ui/controls/engine_options.h"

#include "profiler/analysis/device_words.h"

#include <QBoxLayout>
#include <QCheckBox>
#include <QComboBox>
#include <QLabel>

using namespace Qt::StringLiterals;

namespace moescope::ui {
namespace {

constexpr int kLevels = 4;

QString levelName(int level) {
    static const char* const kNames[] = {QT_TR_NOOP("L0 engine"), QT_TR_NOOP("L1 copies"), QT_TR_NOOP("L2 waits"),
                                         QT_TR_NOOP("L3 kernels")};
    return EngineOptions::tr(kNames[level]);
}

void showValue(QComboBox& choice, const QString& value) {
    const QSignalBlocker quiet(&choice);
    choice.setCurrentIndex(choice.findData(value));
}

} // namespace

EngineOptions::EngineOptions(const Theme& theme, QWidget* parent) : QWidget(parent), m_theme(theme) {
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(4);
    const auto row = [&] {
        auto* made = new QHBoxLayout;
        made->setContentsMargins(0, 0, 0, 0);
        made->setSpacing(6);
        column->addLayout(made);
        return made;
    };
    const auto add = [this](QHBoxLayout& into, const QString& name, QWidget* control) {
        auto* label = new QLabel(name, this);
        label->setProperty("caption", true);
        label->setBuddy(control);
        into.addWidget(label);
        into.addWidget(control);
    };
    QHBoxLayout* first = row();
    m_level = makeChoice(u"trace-level"_s, tr("How much of the GPU's own work is recorded. More costs more time per token; the "
                                              "status line says how much, where it was measured"));
    for (int level = 0; level < kLevels; ++level)
        m_level->addItem(levelName(level), QString::number(level));
    add(*first, tr("GPU tracer"), m_level);
    m_counters = new QCheckBox(tr("counters"), this);
    m_counters->setFont(theme.caption());
    m_counters->setAccessibleName(u"pm-sampling"_s);
    first->addWidget(m_counters);
    first->addStretch(1);
    QHBoxLayout* second = row();
    m_memory =
        makeChoice(u"host-memory"_s, tr("Where experts wait for the GPU: pinned memory is the fastest, mapped is the model "
                                        "file itself, pageable is ordinary memory"));
    for (const QString& kind : {u"pinned"_s, u"mapped"_s, u"pageable"_s})
        m_memory->addItem(kind, kind);
    add(*second, tr("Host memory"), m_memory);
    second->addStretch(1);
    m_note = new QLabel(this);
    m_note->setProperty("caption", true);
    m_note->setWordWrap(true);
    m_note->hide();
    column->addWidget(m_note);
    connect(m_counters, &QCheckBox::clicked, this, [this](bool on) {
        m_counters->setChecked(!on); // what is in force, until the engine has started anew
        Q_EMIT wanted(u"pm-sampling"_s, on ? u"on"_s : u"off"_s,
                      on ? tr("Reading the GPU's counters") : tr("Leaving the GPU's counters alone"));
    });
}

QComboBox* EngineOptions::makeChoice(const QString& name, const QString& tip) {
    auto* choice = new QComboBox(this);
    choice->setFont(m_theme.caption());
    choice->setAccessibleName(name);
    choice->setToolTip(tip);
    connect(choice, &QComboBox::activated, this, [this, choice, name](int index) {
        const QString value = choice->itemData(index).toString();
        const QString before = choice->property("inForce").toString();
        if (value == before)
            return;
        showValue(*choice, before);
        Q_EMIT wanted(name, value,
                      name == u"host-memory"_s
                          ? tr("Keeping experts in %1 memory").arg(value)
                          : tr("Recording %1").arg(QString::fromStdString(analysis::traceLevelWords(value.toInt()))));
    });
    return choice;
}

void EngineOptions::show(const analysis::Snapshot& snapshot, bool can) {
    const auto put = [](QComboBox& choice, const QString& value) {
        choice.setProperty("inForce", value);
        showValue(choice, value);
    };
    const session::SessionInfo* info = snapshot.info.get();
    m_onGpu = info != nullptr && info->machine.deviceBytes > 0;
    put(*m_level, QString::number(info ? info->tracer.level : 0));
    put(*m_memory, info ? QString::fromStdString(info->machine.hostMemory) : QString());
    {
        const QSignalBlocker quiet(m_counters);
        m_counters->setChecked(info != nullptr && info->tracer.countersNs > 0);
    }
    const QString how = info ? QString::fromStdString(info->tracer.counters) : QString();
    m_counters->setToolTip(how.isEmpty() ? tr("Read the GPU's counters every millisecond: bytes over the link, memory, "
                                              "multiprocessors, tensor pipes. The driver may want a privilege for it")
                                         : how);
    for (QWidget* control :
         {static_cast<QWidget*>(m_level), static_cast<QWidget*>(m_memory), static_cast<QWidget*>(m_counters)})
        control->setEnabled(can && m_onGpu);
    const QString note = can ? obstacle() : QString();
    m_note->setText(note);
    m_note->setVisible(!note.isEmpty());
}

QString EngineOptions::obstacle() const {
    return m_onGpu ? QString() : tr("GPU tracer and host memory: this engine computes on the processor.");
}

} // namespace moescope::ui
