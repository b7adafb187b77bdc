#pragma once
#include "ui/theme.h"

#include <QIcon>

namespace moescope::ui {

/// resources/icons/<name>.svg, drawn in the colour of a role; sharp on every screen.
QIcon icon(const Theme& theme, const QString& name, Theme::Role role = Theme::Role::Ink);

} // namespace moescope::ui
