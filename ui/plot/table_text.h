#pragma once
#include <QModelIndexList>
#include <QString>

class QAbstractItemModel;

namespace moescope::ui {

/// The whole model with its headers as comma-separated values (RFC 4180, CRLF). Uses Qt::EditRole, so that figures come
/// unrounded where a model gives them, else Qt::DisplayRole.
QString toCsv(const QAbstractItemModel& model);
/// The indexes' bounding block as tab-separated lines, display text; with headers if the block is the whole table.
QString toTsv(const QAbstractItemModel& model, const QModelIndexList& indexes);

} // namespace moescope::ui
