#pragma once
#include "profiler/analysis/snapshot.h"
#include "ui/selection.h"

#include <QAbstractTableModel>
#include <vector>

namespace moescope::ui {

struct SelectedRow {
    QString name;
    QString value;
    QString meaning;
    friend bool operator==(const SelectedRow&, const SelectedRow&) = default;
};

struct SelectedSubject {
    QString title; ///< "layer 6 · expert 7"
    std::vector<SelectedRow> rows;
};

/// What the panel tells about: a transfer before an expert before a layer before a token, hovered before chosen.
enum class SubjectKind : std::uint8_t { None, Transfer, Expert, Layer, Token };
SubjectKind subjectKind(const Selection::Target& target);
/// The hovered target if there is one, else the chosen one.
const Selection::Target& subjectTarget(const Selection& selection);

/// The whole session in a few rows, shown when nothing is selected.
SelectedSubject describeSession(const analysis::Snapshot& snapshot);
SelectedSubject describeExpert(const analysis::Snapshot& snapshot, trace::ExpertKey key);
SelectedSubject describeLayer(const analysis::Snapshot& snapshot, trace::Layer layer);
SelectedSubject describeToken(const analysis::Snapshot& snapshot, trace::TokenIndex token);
SelectedSubject describeTransfer(const analysis::Snapshot& snapshot, const trace::TransferSpan& span);

/// Name and value rows of the present subject. Owned by SelectedPanel; GUI thread.
class SelectedModel : public QAbstractTableModel {
    Q_OBJECT
public:
    using QAbstractTableModel::QAbstractTableModel;
    void show(std::vector<SelectedRow> rows);
    const std::vector<SelectedRow>& rows() const { return m_rows; }

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;

private:
    std::vector<SelectedRow> m_rows;
};

} // namespace moescope::ui
