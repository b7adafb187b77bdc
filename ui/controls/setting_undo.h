#pragma once
#include "ui/control_values.h"

#include <QUndoCommand>
#include <functional>

namespace moescope::ui {

/// One change of settings that can be taken back. Changes by the same hand (`group` >= 0: one drag) become one step.
class SettingUndo : public QUndoCommand {
public:
    using Apply = std::function<void(const ControlValues& values)>;
    SettingUndo(const QString& text, int group, ControlValues before, ControlValues after, Apply apply);

    void undo() override { m_apply(m_before); }
    void redo() override { m_apply(m_after); }
    int id() const override { return m_group >= 0 ? 1 : -1; }
    bool mergeWith(const QUndoCommand* other) override;

private:
    int m_group;
    ControlValues m_before;
    ControlValues m_after;
    Apply m_apply;
};

} // namespace moescope::ui
