#include "ui/plot/token_text.h"

using namespace Qt::StringLiterals;

namespace moescope::ui {

QString tokenText(const std::string& text) {
    QString shown = QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()));
    shown.replace(u'\n', u'⏎').replace(u'\t', u'⇥').remove(u'\r');
    if (shown.isEmpty())
        return u"∅"_s;
    return shown.trimmed().isEmpty() ? shown.replace(u' ', u'␣') : shown;
}

} // namespace moescope::ui
