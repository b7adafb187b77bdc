#pragma once
#include "ui/plot/canvas.h"
#include "ui/plot/legend_row.h"
#include "ui/theme.h"
#include "ui/tokens/tokens_model.h"

namespace moescope::ui {

/// Stacked bars, one per pass; what is higher than the axis is clipped, with a mark and its figure.
class TokenBars final : public Canvas {
public:
    TokenBars(QCPAxisRect* rect, const TokensModel& model, const Theme& theme);
    /// Row of the bar at that pixel, -1 if there is none.
    int rowAt(double x) const;
    QRectF barRect(int row) const;
    static Theme::Role role(TokenPart part);

protected:
    void paint(QCPPainter& painter) override;

private:
    void paintBar(QCPPainter& painter, int row, double& labelEnd);
    void paintClipped(QCPPainter& painter, const QRectF& bar, const analysis::PassRecord& pass, double& labelEnd);
    void paintCoarse(QCPPainter& painter, int first, int last);
    void paintTexts(QCPPainter& painter, int first, int last);
    void paintNumbers(QCPPainter& painter, int first, int last, double pixels);
    double height(trace::TimeNs time) const;

    const TokensModel& m_model;
    const Theme& m_theme;
};

/// Hovered and chosen bars, and the range being dragged. On the overlay layer.
class TokenFocus final : public Canvas {
public:
    TokenFocus(QCPAxisRect* rect, const TokenBars& bars, const Theme& theme);
    /// Rows, -1 for none. True if something changed.
    bool setRows(int hovered, int chosen);
    void setRange(std::optional<QCPRange> rows) { m_range = rows; }

protected:
    void paint(QCPPainter& painter) override;

private:
    const TokenBars& m_bars;
    const Theme& m_theme;
    int m_hovered = -1;
    int m_chosen = -1;
    std::optional<QCPRange> m_range;
};

/// Tokens as stacked bars on a QCustomPlot. The plot owns the parts.
class TokensView {
public:
    TokensView(QCustomPlot& plot, const TokensModel& model, const Theme& theme);
    const TokenBars& bars() const { return *m_bars; }
    TokenFocus& focus() { return *m_focus; }
    QCPAxis& rowAxis() const { return *m_bars->keyAxis(); }
    QCPAxis& timeAxis() const { return *m_bars->valueAxis(); }
    void restyle();

private:
    const Theme& m_theme;
    TokenBars* m_bars = nullptr;
    TokenFocus* m_focus = nullptr;
    LegendRow* m_legend = nullptr;
};

} // namespace moescope::ui
