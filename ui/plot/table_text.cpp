#include "ui/plot/table_text.h"

#include <QAbstractItemModel>
#include <QStringList>
#include <algorithm>

using namespace Qt::StringLiterals;

namespace moescope::ui {
namespace {

QString quoted(QString field) {
    if (field.contains(u',') || field.contains(u'"') || field.contains(u'\n') || field.contains(u'\r')) {
        field.replace(u"\""_s, u"\"\""_s);
        return u'"' + field + u'"';
    }
    return field;
}

QString rawText(const QAbstractItemModel& model, const QModelIndex& index) {
    const QVariant raw = model.data(index, Qt::EditRole);
    if (raw.typeId() == QMetaType::Double)
        return QString::number(raw.toDouble(), 'g', 9);
    return raw.isValid() ? raw.toString() : model.data(index, Qt::DisplayRole).toString();
}

bool hasRowNames(const QAbstractItemModel& model) {
    // Models that say nothing about their rows get them numbered from 1 by Qt; that is no name.
    const QString first = model.rowCount() > 0 ? model.headerData(0, Qt::Vertical).toString() : QString();
    return !first.isEmpty() && first != u"1"_s;
}

void appendRows(const QAbstractItemModel& model, const QModelIndex& parent, bool names, QString& out) {
    for (int row = 0; row < model.rowCount(parent); ++row) {
        QStringList fields;
        if (names)
            fields << quoted(model.headerData(row, Qt::Vertical).toString());
        for (int column = 0; column < model.columnCount(parent); ++column)
            fields << quoted(rawText(model, model.index(row, column, parent)));
        out += fields.join(u',') + u"\r\n"_s;
        appendRows(model, model.index(row, 0, parent), names, out);
    }
}

} // namespace

QString toCsv(const QAbstractItemModel& model) {
    const bool names = hasRowNames(model);
    QStringList head;
    if (names)
        head << QString();
    for (int column = 0; column < model.columnCount(); ++column)
        head << quoted(model.headerData(column, Qt::Horizontal).toString());
    QString out = head.join(u',') + u"\r\n"_s;
    appendRows(model, {}, names, out);
    return out;
}

QString toTsv(const QAbstractItemModel& model, const QModelIndexList& indexes) {
    if (indexes.isEmpty())
        return {};
    QModelIndexList sorted = indexes;
    std::sort(sorted.begin(), sorted.end(), [](const QModelIndex& a, const QModelIndex& b) {
        return a.row() != b.row() ? a.row() < b.row() : a.column() < b.column();
    });
    QString out;
    const bool whole = sorted.size() == qsizetype{model.rowCount()} * model.columnCount();
    if (whole)
        for (int column = 0; column < model.columnCount(); ++column)
            out += model.headerData(column, Qt::Horizontal).toString() + (column + 1 < model.columnCount() ? u'\t' : u'\n');
    for (qsizetype i = 0; i < sorted.size(); ++i) {
        out += model.data(sorted[i], Qt::DisplayRole).toString().replace(u'\t', u' ').replace(u'\n', u' ');
        const bool rowEnds = i + 1 == sorted.size() || sorted[i + 1].row() != sorted[i].row();
        out += rowEnds ? u'\n' : u'\t';
    }
    return out;
}

} // namespace moescope::ui
