#pragma once
#include "ui/commands.h"

#include <QWidget>

class QDoubleSpinBox;
class QLineEdit;
class QPlainTextEdit;
class QSpinBox;

namespace moescope::ui {

/// System prompt and sampling of the next answer, folded away until asked for. Child of ChatPanel; GUI thread.
class SamplingRow : public QWidget {
    Q_OBJECT
public:
    explicit SamplingRow(QWidget* parent = nullptr);

    SamplingChoice choice() const;
    void setChoice(const SamplingChoice& choice);
    QString systemPrompt() const;
    void setSystemPrompt(const QString& text);

Q_SIGNALS:
    void changed();

private:
    QDoubleSpinBox* real(double low, double high, double step, const QString& tip);
    QSpinBox* whole(int low, int high, const QString& tip);
    void build();

    QDoubleSpinBox* m_temperature = nullptr;
    QSpinBox* m_topK = nullptr;
    QDoubleSpinBox* m_topP = nullptr;
    QDoubleSpinBox* m_minP = nullptr;
    QDoubleSpinBox* m_repeat = nullptr;
    QSpinBox* m_seed = nullptr;
    QSpinBox* m_maxTokens = nullptr;
    QLineEdit* m_stop = nullptr;
    QPlainTextEdit* m_system = nullptr;
};

} // namespace moescope::ui
