// What one round of all visible plots costs the GUI thread, at the sizes they have in a window of 1440 x 900. The budget is
// 15 ms on a quiet machine. Run by hand: ./run bench-plots. No pass or fail: figures belong with the machine they were taken
// on.
#include "tests/ui/support/panel_bench.h"
#include "ui/cache/cache_panel.h"
#include "ui/experts/experts_panel.h"
#include "ui/gating/gating_panel.h"
#include "ui/plot/custom_plot.h"
#include "ui/plot/plot_widget.h"
#include "ui/timeline/timeline_panel.h"
#include "ui/tokens/tokens_panel.h"

#include <algorithm>
#include <cstdio>

using namespace moescope;
using namespace moescope::ui;
using namespace moescope::ui::test;

namespace {

constexpr int kRounds = 25;

double median(QList<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

void measure(int layers, int experts, int tokens) {
    PanelBench bench;
    ExpertsPanel expertsPanel(bench.feed, bench.selection, bench.theme);
    CachePanel cache(bench.feed, bench.selection, bench.theme);
    TimelinePanel timeline(bench.feed, bench.selection, bench.theme);
    TokensPanel tokensPanel(bench.feed, bench.selection, bench.theme);
    GatingPanel gating(bench.feed, bench.selection, bench.commands, bench.theme);
    SampleShape shape;
    shape.layers = layers;
    shape.experts = experts;
    shape.slots = layers * experts / 2;
    shape.decoded = tokens;
    shape.live = true;
    SampleSession session(shape);
    bench.feed.showSnapshot(session.snapshot());
    PanelBench::present(expertsPanel, {386, 270});
    PanelBench::present(cache, {360, 270});
    PanelBench::present(timeline, {752, 280});
    PanelBench::present(tokensPanel, {752, 180});
    PanelBench::present(gating, {270, 200});
    timeline.showWindow(session.window());
    const QList<PlotWidget*> plots{&expertsPanel.plot(), &cache.plot(), &timeline.plot(), &tokensPanel.plot(), &gating.plot()};
    QList<double> rounds;
    QList<QList<double>> parts(plots.size());
    for (int i = 0; i < kRounds; ++i) {
        session.edit().seq += 1;
        bench.feed.showSnapshot(session.snapshot());
        timeline.showWindow(session.window());
        PanelBench::settle();
        double round = 0;
        for (qsizetype plot = 0; plot < plots.size(); ++plot) {
            round += plots[plot]->pacer().lastCostMs();
            parts[plot] << plots[plot]->pacer().lastCostMs();
        }
        rounds << round;
    }
    std::printf("%d layers x %d experts, %d tokens: median %.2f ms, best %.2f ms, worst %.2f ms of %d rounds\n", layers,
                experts, tokens, median(rounds), *std::min_element(rounds.begin(), rounds.end()),
                *std::max_element(rounds.begin(), rounds.end()), kRounds);
    for (qsizetype plot = 0; plot < plots.size(); ++plot)
        std::printf("  %-24s median %.2f ms\n", qPrintable(plots[plot]->plot().accessibleName()), median(parts[plot]));
}

} // namespace

int main(int argc, char** argv) {
    if (qEnvironmentVariableIsEmpty("QT_QPA_PLATFORM"))
        qputenv("QT_QPA_PLATFORM", "offscreen");
    const QApplication application(argc, argv);
    measure(8, 8, 400);
    measure(48, 128, 200);
    return 0;
}
