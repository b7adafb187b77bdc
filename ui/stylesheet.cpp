#include "ui/stylesheet.h"

#include "ui/theme.h"

#include <QFile>

// The resources are in a static library: without this call the linker drops them. The macro must stand in no namespace.
static void loadResources() {
    Q_INIT_RESOURCE(moescope);
}

namespace moescope::ui {

namespace {

QString mixed(const QColor& a, const QColor& b, double share) {
    const auto mix = [share](int from, int to) { return static_cast<int>(from + (to - from) * share); };
    return QColor(mix(a.red(), b.red()), mix(a.green(), b.green()), mix(a.blue(), b.blue())).name();
}

} // namespace

QString stylesheet(const Theme& theme) {
    using Role = Theme::Role;
    loadResources();
    QFile file(QStringLiteral(":/style/moescope.qss"));
    if (!file.open(QIODevice::ReadOnly))
        return {};
    QString sheet = QString::fromUtf8(file.readAll());
    const auto put = [&sheet](const char* mark, const QString& value) {
        sheet.replace(QLatin1Char('@') + QLatin1String(mark) + QLatin1Char('@'), value);
    };
    put("window", theme.colour(Role::Window).name());
    put("panel", theme.colour(Role::Panel).name());
    put("inset", theme.colour(Role::Inset).name());
    put("ink", theme.colour(Role::Ink).name());
    put("muted", theme.colour(Role::Muted).name());
    put("line", theme.colour(Role::Line).name());
    put("accent", theme.colour(Role::Accent).name());
    put("good", theme.colour(Role::Good).name());
    put("warning", theme.colour(Role::Warning).name());
    put("demand", theme.colour(Role::Demand).name());
    put("raised", mixed(theme.colour(Role::Inset), theme.colour(Role::Ink), 0.08));
    put("pressed", mixed(theme.colour(Role::Inset), theme.colour(Role::Ink), 0.16));
    put("selected", mixed(theme.colour(Role::Panel), theme.colour(Role::Accent), 0.30));
    // White on the accent itself has a contrast of 3.5; one shade deeper gives the 4.5 that text needs.
    put("action", theme.colour(Role::Accent).darker(124).name());
    put("action-hover", theme.colour(Role::Accent).darker(134).name());
    put("warning-ground", mixed(theme.colour(Role::Panel), theme.colour(Role::Warning), 0.18));
    put("failure-ground", mixed(theme.colour(Role::Panel), theme.colour(Role::Demand), 0.20));
    return sheet;
}

} // namespace moescope::ui
