#pragma once
#include <QString>

namespace moescope::ui {

/// A translatable text outside the classes that have a tr() of their own.
QString words(const char* text);

} // namespace moescope::ui
