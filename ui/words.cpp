#include "ui/words.h"

#include <QCoreApplication>

namespace moescope::ui {

QString words(const char* text) {
    return QCoreApplication::translate("moescope::ui", text);
}

} // namespace moescope::ui
