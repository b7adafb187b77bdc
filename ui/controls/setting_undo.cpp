#include "ui/controls/setting_undo.h"

namespace moescope::ui {

SettingUndo::SettingUndo(const QString& text, int group, ControlValues before, ControlValues after, Apply apply)
    : QUndoCommand(text), m_group(group), m_before(std::move(before)), m_after(std::move(after)), m_apply(std::move(apply)) {}

bool SettingUndo::mergeWith(const QUndoCommand* other) {
    const auto* next = dynamic_cast<const SettingUndo*>(other);
    if (!next || next->m_group != m_group)
        return false;
    for (auto at = next->m_after.begin(); at != next->m_after.end(); ++at) {
        if (!m_before.contains(at.key()))
            m_before[at.key()] = next->m_before.value(at.key());
        m_after[at.key()] = at.value();
    }
    return true;
}

} // namespace moescope::ui
