#pragma once
#include <QString>

namespace moescope::ui {

class Theme;

/// The application's style sheet with the theme's colours put in for `@role@` marks (resources/style/moescope.qss).
QString stylesheet(const Theme& theme);

} // namespace moescope::ui
