#pragma once
#include "ui/simulator/what_if.h"

#include <QUndoCommand>
#include <functional>

namespace moescope::ui {

/// One edit of the scenario that can be taken back.
class ScenarioUndo : public QUndoCommand {
public:
    using Apply = std::function<void(const WhatIf& wish)>;
    ScenarioUndo(const QString& text, WhatIf before, WhatIf after, Apply apply)
        : QUndoCommand(text), m_before(std::move(before)), m_after(std::move(after)), m_apply(std::move(apply)) {}

    void undo() override { m_apply(m_before); }
    void redo() override { m_apply(m_after); }

private:
    WhatIf m_before;
    WhatIf m_after;
    Apply m_apply;
};

} // namespace moescope::ui
