// What a model's router does with a text, layer by layer: experts of the token before chosen again, the busiest expert, the
// next layer's experts foreseen by its own gate on this layer's gate input. Made for synthetic models, true for all.
//   routing_bench MODEL.gguf TEXT [tokens [seed]]    TEXT may be "random": tokens drawn evenly from those with a text
#include "engine/runtime/engine.h"
#include "engine/trace/routing_payload.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace moescope;

struct LayerFigures {
    std::vector<std::int64_t> usage;
    std::vector<std::uint16_t> before;    ///< experts of the token before
    std::vector<std::uint16_t> predicted; ///< for this layer, by the layer above
    std::int64_t reused = 0, reuseAsked = 0, sameFirst = 0, found = 0, foundAsked = 0, tokens = 0;
    double second = 0;
};

std::vector<std::uint16_t> best(const std::vector<float>& gate, std::size_t count) {
    std::vector<std::uint16_t> order(gate.size());
    std::iota(order.begin(), order.end(), std::uint16_t{0});
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                      [&](std::uint16_t a, std::uint16_t b) { return gate[a] > gate[b]; });
    order.resize(count);
    return order;
}

std::int64_t common(const std::vector<std::uint16_t>& a, const std::vector<std::uint16_t>& b) {
    return std::count_if(a.begin(), a.end(), [&](std::uint16_t e) { return std::find(b.begin(), b.end(), e) != b.end(); });
}

/// Reads the routing out of the events of the engine's thread.
class RoutingCounter final : public trace::Tracer, public trace::TracerSource {
public:
    explicit RoutingCounter(std::size_t layers) : m_layers(layers) {}
    trace::Tracer& openProducer(std::string_view) override { return *this; }
    void emit(const trace::Event& event, trace::Payload payload) noexcept override {
        if (const auto* chosen = std::get_if<trace::ExpertsChosen>(&event))
            if (const auto routing = trace::decodeRouting(*chosen, payload))
                count(static_cast<std::size_t>(chosen->layer.value), *chosen, *routing);
    }
    void startWindow() {
        for (LayerFigures& layer : m_layers)
            layer.before.clear();
    }
    const std::vector<LayerFigures>& layers() const { return m_layers; }

private:
    void count(std::size_t index, const trace::ExpertsChosen& event, const trace::RoutingPayload& routing) {
        LayerFigures& own = m_layers[index];
        own.usage.resize(event.experts);
        for (const std::uint16_t expert : routing.ids)
            ++own.usage[expert];
        ++own.tokens;
        own.second += routing.weights.size() > 1 ? routing.weights[1] : 0;
        if (!own.before.empty()) {
            own.reused += common(routing.ids, own.before);
            own.reuseAsked += static_cast<std::int64_t>(routing.ids.size());
            own.sameFirst += routing.ids[0] == own.before[0];
        }
        own.before = routing.ids;
        if (!own.predicted.empty()) {
            own.found += common(routing.ids, own.predicted);
            own.foundAsked += static_cast<std::int64_t>(routing.ids.size());
        }
        if (!routing.predicted.empty() && index + 1 < m_layers.size())
            m_layers[index + 1].predicted = best(routing.predicted[0], routing.ids.size());
    }
    std::vector<LayerFigures> m_layers;
};

std::vector<std::int32_t> tokensOf(const runtime::Engine& engine, const std::string& source, std::size_t wanted,
                                   unsigned seed) {
    if (source == "random") {
        std::mt19937 random(seed);
        std::vector<std::int32_t> tokens;
        // Beyond the borrowed vocabulary the tokens of synthetic models are unused; 4096 is the bundled model's.
        const auto last = static_cast<unsigned>(std::min(engine.facts().vocabulary, 4096));
        for (std::size_t i = 0; i < wanted; ++i)
            tokens.push_back(static_cast<std::int32_t>(random() % (last - 259) + 259));
        return tokens;
    }
    std::ifstream in(source);
    const std::string text(std::istreambuf_iterator<char>(in), {});
    // A few characters make a token; more text than needed only costs time.
    std::vector<std::int32_t> tokens = engine.tokenize(text.substr(0, wanted * 16), true);
    tokens.resize(std::min(tokens.size(), wanted));
    return tokens;
}

double share(std::int64_t part, std::int64_t whole) {
    return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

template <class Figure>
void row(const char* name, const std::vector<LayerFigures>& layers, const Figure& figure) {
    std::printf("%-34s", name);
    double sum = 0;
    int counted = 0;
    for (const LayerFigures& layer : layers) {
        const double value = figure(layer);
        std::printf(" %5.3f", value);
        sum += value;
        counted += value > 0;
    }
    std::printf("   mean %5.3f\n", counted > 0 ? sum / counted : 0);
}

void print(const std::vector<LayerFigures>& layers) {
    row("experts of the token before", layers, [](const LayerFigures& l) { return share(l.reused, l.reuseAsked); });
    row("same best expert as token before", layers,
        [](const LayerFigures& l) { return share(l.sameFirst, l.tokens > 1 ? l.tokens - 1 : 0); });
    row("next-gate recall of this layer", layers, [](const LayerFigures& l) { return share(l.found, l.foundAsked); });
    row("share of the busiest expert", layers, [](const LayerFigures& l) {
        return share(*std::max_element(l.usage.begin(), l.usage.end()),
                     std::accumulate(l.usage.begin(), l.usage.end(), std::int64_t{0}));
    });
    row("share of the idlest expert", layers, [](const LayerFigures& l) {
        return share(*std::min_element(l.usage.begin(), l.usage.end()),
                     std::accumulate(l.usage.begin(), l.usage.end(), std::int64_t{0}));
    });
    row("mean weight of the second expert", layers,
        [](const LayerFigures& l) { return l.second / static_cast<double>(std::max<std::int64_t>(1, l.tokens)); });
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::fputs("routing_bench MODEL.gguf TEXT|random [tokens [seed]]\n", stderr);
        return 2;
    }
    const std::size_t wanted = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1024;
    const unsigned seed = argc > 4 ? static_cast<unsigned>(std::strtoul(argv[4], nullptr, 10)) : 1;
    runtime::EngineOptions options;
    options.model = argv[1];
    options.threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
    constexpr std::size_t kMostLayers = 1024;
    RoutingCounter counter(kMostLayers);
    const trace::SteadyClock clock;
    runtime::Engine engine(options, counter, clock);
    const auto tokens = tokensOf(engine, argv[2], wanted, seed);
    const std::size_t window = std::min<std::size_t>(512, static_cast<std::size_t>(engine.facts().contextTokens));
    double greatest = 0;
    for (std::size_t at = 0; at < tokens.size(); at += window) {
        counter.startWindow();
        engine.score(std::span(tokens).subspan(at, std::min(window, tokens.size() - at)), runtime::Engine::ScoreMode::Decode,
                     [&](int, std::span<const float> logits) {
                         for (const float logit : logits)
                             greatest = std::max(greatest, static_cast<double>(std::abs(logit)));
                         return true;
                     });
    }
    std::printf("%s, %zu tokens of %s in windows of %zu, greatest logit %.2f\n", engine.facts().name.c_str(), tokens.size(),
                argv[2], window, greatest);
    std::vector<LayerFigures> layers = counter.layers();
    layers.resize(static_cast<std::size_t>(engine.facts().layers));
    print(layers);
    return 0;
}
