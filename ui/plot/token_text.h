#pragma once
#include <QString>
#include <string>

namespace moescope::ui {

/// A token's text fit for one line: what is white only is made visible, line breaks are shown as signs.
QString tokenText(const std::string& text);

} // namespace moescope::ui
