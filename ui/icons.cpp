#include "ui/icons.h"

#include <QFile>
#include <QHash>
#include <QPainter>
#include <QPixmap>
#include <QSvgRenderer>

using namespace Qt::StringLiterals;

namespace moescope::ui {

namespace {

QPixmap pixmapOf(QByteArray source, const QColor& colour, int pixels) {
    source.replace("currentColor", colour.name().toLatin1());
    QSvgRenderer renderer(source);
    QPixmap pixmap(pixels, pixels);
    pixmap.fill(Qt::transparent);
    QPainter painter(&pixmap);
    renderer.render(&painter);
    return pixmap;
}

QIcon drawnIcon(const Theme& theme, const QString& name, Theme::Role role) {
    QFile file(u":/icons/%1.svg"_s.arg(name));
    if (!file.open(QIODevice::ReadOnly))
        return {};
    const QByteArray source = file.readAll();
    QIcon result;
    for (const int pixels : {16, 32, 48}) {
        result.addPixmap(pixmapOf(source, theme.colour(role), pixels));
        result.addPixmap(pixmapOf(source, theme.colour(Theme::Role::Muted), pixels), QIcon::Disabled);
    }
    return result;
}

} // namespace

QIcon icon(const Theme& theme, const QString& name, Theme::Role role) {
    // A conversation asks for the same few icons with every turn, and drawing one takes a millisecond.
    static auto& known = *new QHash<QString, QIcon>; // never destroyed: pixmaps must not outlive the application
    QIcon& drawn = known[name + theme.colour(role).name() + theme.colour(Theme::Role::Muted).name()];
    if (drawn.isNull())
        drawn = drawnIcon(theme, name, role);
    return drawn;
}

} // namespace moescope::ui
