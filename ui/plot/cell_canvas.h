#pragma once
#include "ui/plot/canvas.h"
#include "ui/plot/cell_geometry.h"
#include "ui/theme.h"

#include <vector>

namespace moescope::ui {

/// Margins around a grid of cells, equal in all panels that show one, so that their rows lie side by side.
struct CellMargins {
    static constexpr int kLeft = 40;
    static constexpr int kTop = 38;
    static constexpr int kBottomStrip = 26; ///< the row below the grid: marginal bars here, a legend there
};

enum class CellMark : std::uint8_t { Plain, Hatched, Dotted };

/// The coloured cells of a layers x experts grid with their row and column numbers. On the data layer.
class CellCanvas final : public Canvas {
public:
    /// rect: from addCellRect().
    CellCanvas(QCPAxisRect* rect, const Theme& theme);

    /// fills and marks: [layer*experts + expert]; marks may be empty.
    void setCells(int layers, int experts, std::vector<QColor> fills, std::vector<CellMark> marks = {});
    int layers() const { return m_layers; }
    int experts() const { return m_experts; }
    CellGeometry geometry() const;

protected:
    void paint(QCPPainter& painter) override;

private:
    void paintNumbers(QCPPainter& painter, const CellGeometry& geometry);
    void paintImage(QCPPainter& painter, const CellGeometry& geometry);
    void paintCells(QCPPainter& painter, const CellGeometry& geometry);

    const Theme& m_theme;
    int m_layers = 0;
    int m_experts = 0;
    std::vector<QColor> m_fills;
    std::vector<CellMark> m_marks;
};

/// Outlines over a CellCanvas: what the last or chosen token used, what is chosen, what is hovered. On the overlay layer.
class CellOutlines final : public Canvas {
public:
    CellOutlines(const CellCanvas& cells, const Theme& theme);
    /// True if something changed.
    bool setUsed(std::vector<trace::ExpertKey> used);
    bool setFocus(std::optional<trace::ExpertKey> chosen, std::optional<trace::ExpertKey> hovered,
                  std::optional<int> chosenLayer);
    const std::vector<trace::ExpertKey>& used() const { return m_used; }
    std::optional<trace::ExpertKey> chosen() const { return m_chosen; }

protected:
    void paint(QCPPainter& painter) override;

private:
    void outline(QCPPainter& painter, const trace::ExpertKey& key, const QColor& colour, double width, double grow);

    const CellCanvas& m_cells;
    const Theme& m_theme;
    std::vector<trace::ExpertKey> m_used;
    std::optional<trace::ExpertKey> m_chosen;
    std::optional<trace::ExpertKey> m_hovered;
    std::optional<int> m_chosenLayer;
};

/// A rect with the grid's margins and invisible axes (experts on top, layers to the left), put into the plot's layout.
QCPAxisRect* addCellRect(QCustomPlot& plot, int row, int column);

/// Sets the two axes to show the whole grid, first layer on top.
void showWholeGrid(QCPAxis& experts, QCPAxis& layers, int layerCount, int expertCount);

} // namespace moescope::ui
