#include "ui/icons.h"

#include <QFile>
#include <QPainter>
#include <QPixmap>
#include <QSvgRenderer>

using namespace Qt::StringLiterals;

namespace moescope::ui {

namespace {

QPixmap drawn(QByteArray source, const QColor& colour, int pixels) {
    source.replace("currentColor", colour.name().toLatin1());
    QSvgRenderer renderer(source);
    QPixmap pixmap(pixels, pixels);
    pixmap.fill(Qt::transparent);
    QPainter painter(&pixmap);
    renderer.render(&painter);
    return pixmap;
}

} // namespace

QIcon icon(const Theme& theme, const QString& name, Theme::Role role) {
    QFile file(u":/icons/%1.svg"_s.arg(name));
    if (!file.open(QIODevice::ReadOnly))
        return {};
    const QByteArray source = file.readAll();
    QIcon result;
    for (const int pixels : {16, 32, 48}) {
        result.addPixmap(drawn(source, theme.colour(role), pixels));
        result.addPixmap(drawn(source, theme.colour(Theme::Role::Muted), pixels), QIcon::Disabled);
    }
    return result;
}

} // namespace moescope::ui
