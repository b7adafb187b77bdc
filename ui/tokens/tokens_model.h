#pragma once
#include "ui/tokens/tokens_geometry.h"

#include <QAbstractTableModel>

namespace moescope::ui {

QString tokenPartName(TokenPart part);

/// The table twin of the token bars: a row per pass in drawing order. Owned by TokensPanel; GUI thread.
class TokensModel : public QAbstractTableModel {
    Q_OBJECT
public:
    explicit TokensModel(QObject* parent = nullptr);

    void show(analysis::SnapshotPtr snapshot, TokenOrder order);
    const std::vector<int>& passes() const { return m_passes; }
    TokenOrder order() const { return m_order; }
    const analysis::SnapshotPtr& snapshot() const { return m_snapshot; }
    /// Row of a pass, -1 if there is none.
    int rowOf(int pass) const;
    const analysis::PassRecord& pass(int row) const;

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;

private:
    QVariant value(int row, int column, bool raw) const;
    analysis::SnapshotPtr m_snapshot;
    std::vector<int> m_passes;
    TokenOrder m_order = TokenOrder::Index;
};

} // namespace moescope::ui
