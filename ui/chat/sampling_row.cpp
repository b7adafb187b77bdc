#include "ui/chat/sampling_row.h"

#include <QDoubleSpinBox>
#include <QGridLayout>
#include <QLabel>
#include <QLineEdit>
#include <QPlainTextEdit>
#include <QSpinBox>
#include <limits>

using namespace Qt::StringLiterals;

namespace moescope::ui {

SamplingRow::SamplingRow(QWidget* parent) : QWidget(parent) {
    m_temperature = real(0, 5, 0.05, tr("Spread of the choice; 0 always takes the likeliest token"));
    m_topK = whole(0, 1000, tr("Only the k likeliest tokens; 0 = all"));
    m_topP = real(0, 1, 0.01, tr("Only the likeliest tokens that make up this probability; 1 = all"));
    m_minP = real(0, 1, 0.01, tr("Only tokens at least this likely, relative to the likeliest; 0 = all"));
    m_repeat = real(0.5, 3, 0.05, tr("Divides the score of recent tokens; 1 = off"));
    m_seed = whole(0, std::numeric_limits<int>::max(), tr("Equal seeds and settings give equal answers"));
    m_maxTokens = whole(1, 1'000'000, tr("The answer ends after so many tokens"));
    m_stop = new QLineEdit(this);
    m_stop->setPlaceholderText(tr("none"));
    m_stop->setToolTip(tr("The answer ends before this text; several are separated by commas"));
    m_system = new QPlainTextEdit(this);
    m_system->setProperty("inset", true);
    m_system->setPlaceholderText(tr("System prompt (none)"));
    m_system->setTabChangesFocus(true);
    m_system->setFixedHeight(48);
    setChoice({});
    build();
    connect(m_stop, &QLineEdit::textChanged, this, &SamplingRow::changed);
    connect(m_system, &QPlainTextEdit::textChanged, this, &SamplingRow::changed);
}

void SamplingRow::build() {
    auto* grid = new QGridLayout(this);
    grid->setContentsMargins(0, 0, 0, 0);
    grid->setHorizontalSpacing(8);
    grid->setVerticalSpacing(4);
    grid->addWidget(m_system, 0, 0, 1, 4);
    int index = 0;
    const auto add = [&](const QString& name, QWidget* field) {
        auto* label = new QLabel(name, this);
        label->setProperty("caption", true);
        label->setBuddy(field);
        const int row = 1 + index / 2;
        grid->addWidget(label, row, index % 2 * 2);
        grid->addWidget(field, row, index % 2 * 2 + 1);
        ++index;
    };
    add(tr("temperature"), m_temperature);
    add(tr("top-k"), m_topK);
    add(tr("top-p"), m_topP);
    add(tr("min-p"), m_minP);
    add(tr("repeat"), m_repeat);
    add(tr("seed"), m_seed);
    add(tr("max tokens"), m_maxTokens);
    add(tr("stop at"), m_stop);
    grid->setColumnStretch(1, 1);
    grid->setColumnStretch(3, 1);
}

QDoubleSpinBox* SamplingRow::real(double low, double high, double step, const QString& tip) {
    auto* box = new QDoubleSpinBox(this);
    box->setRange(low, high);
    box->setSingleStep(step);
    box->setDecimals(2);
    box->setToolTip(tip);
    box->setLocale(QLocale::c());
    connect(box, &QDoubleSpinBox::valueChanged, this, &SamplingRow::changed);
    return box;
}

QSpinBox* SamplingRow::whole(int low, int high, const QString& tip) {
    auto* box = new QSpinBox(this);
    box->setRange(low, high);
    box->setToolTip(tip);
    connect(box, &QSpinBox::valueChanged, this, &SamplingRow::changed);
    return box;
}

SamplingChoice SamplingRow::choice() const {
    SamplingChoice choice;
    choice.temperature = m_temperature->value();
    choice.topK = m_topK->value();
    choice.topP = m_topP->value();
    choice.minP = m_minP->value();
    choice.repeatPenalty = m_repeat->value();
    choice.seed = static_cast<quint64>(m_seed->value());
    choice.maxTokens = m_maxTokens->value();
    for (const QString& part : m_stop->text().split(u',', Qt::SkipEmptyParts))
        choice.stop << part.trimmed();
    return choice;
}

void SamplingRow::setChoice(const SamplingChoice& choice) {
    m_temperature->setValue(choice.temperature);
    m_topK->setValue(choice.topK);
    m_topP->setValue(choice.topP);
    m_minP->setValue(choice.minP);
    m_repeat->setValue(choice.repeatPenalty);
    m_seed->setValue(static_cast<int>(std::min<quint64>(choice.seed, std::numeric_limits<int>::max())));
    m_maxTokens->setValue(choice.maxTokens);
    m_stop->setText(choice.stop.join(u", "_s));
}

QString SamplingRow::systemPrompt() const {
    return m_system->toPlainText().trimmed();
}

void SamplingRow::setSystemPrompt(const QString& text) {
    m_system->setPlainText(text);
}

} // namespace moescope::ui
