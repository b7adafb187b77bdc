#include "ui/chat/chat_form.h"

#include <QCoreApplication>

using namespace Qt::StringLiterals;

namespace moescope::ui {

QString chatFormText(const analysis::Snapshot& snapshot) {
    QString form;
    if (snapshot.info)
        for (const auto& [name, value] : snapshot.info->settings)
            if (name == "chat-form")
                form = QString::fromStdString(value);
    if (form.isEmpty())
        return {};
    const QString mark = u" (assumed)"_s;
    if (!form.endsWith(mark))
        return QCoreApplication::translate("ChatPanel", "chat form %1").arg(form);
    return QCoreApplication::translate("ChatPanel", "chat form %1, assumed: the model's own template is not known")
        .arg(form.chopped(mark.size()));
}

} // namespace moescope::ui
