#include "engine/synthesis/synthetic_model.h"

#include "engine/model/model_config.h"
#include "engine/model/tokenizer.h"
#include "engine/runtime/engine.h"
#include "engine/trace/routing_payload.h"
#include "tests/support/temporary_path.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace moescope::synthesis {
namespace {

using model::TensorType;
using tests::TemporaryPath;

const auto kGoOn = [](std::int64_t, std::int64_t) { return true; };

const model::GgufFile& bundled() {
    static const model::GgufFile file{std::filesystem::path(MOESCOPE_SOURCE_DIR "/resources/model/model-q8_0.gguf")};
    return file;
}

SyntheticModel made(const char* shape, TensorType type, int layers = 0, std::uint64_t seed = 1) {
    SyntheticOrder order{shapeNamed(shape), type, seed, "a test"};
    if (layers > 0)
        order.shape.layers = layers;
    return {order, bundled()};
}

TEST(SyntheticModel, HasThePublishedNumberOfWeights) {
    EXPECT_NEAR(static_cast<double>(made("mixtral-8x7b", TensorType::Q4_0).parameters()) / 1e9, 46.70, 0.01);
    EXPECT_NEAR(static_cast<double>(made("mixtral-8x22b", TensorType::Q4_0).parameters()) / 1e9, 140.63, 0.02);
    EXPECT_NEAR(static_cast<double>(made("olmoe", TensorType::Q4_0).parameters()) / 1e9, 6.92, 0.005);
    EXPECT_NEAR(static_cast<double>(made("qwen3-30b-a3b", TensorType::Q4_0).parameters()) / 1e9, 30.53, 0.005);
    EXPECT_EQ(made("tales", TensorType::Q8_0).parameters(), 28'856'576) << "the bundled model's";
}

TEST(SyntheticModel, KnowsItsBytesWithoutBeingWritten) {
    const SyntheticModel mixtral = made("mixtral-8x7b", TensorType::Q4_0);
    EXPECT_NEAR(static_cast<double>(mixtral.plan().fileBytes()) / (1 << 30), 24.5, 0.05);
    EXPECT_NEAR(static_cast<double>(mixtral.bytesPerToken()) / 1e9, 7.18, 0.01);
    const auto& tensors = mixtral.plan().tensors();
    const auto gate =
        std::find_if(tensors.begin(), tensors.end(), [](const auto& t) { return t.name == "blk.31.ffn_gate_exps.weight"; });
    ASSERT_NE(gate, tensors.end());
    EXPECT_EQ(gate->ne, (std::vector<std::int64_t>{4096, 14336, 8}));
}

TEST(SyntheticModel, HasTheBundledModelsTensorsInTheSameShape) {
    const SyntheticModel tales = made("tales", TensorType::Q8_0);
    ASSERT_EQ(tales.plan().tensors().size(), bundled().tensors().size());
    for (const model::PlannedTensor& tensor : tales.plan().tensors()) {
        const model::TensorView* real = bundled().find(tensor.name);
        ASSERT_NE(real, nullptr) << tensor.name;
        EXPECT_EQ(real->type, tensor.type) << tensor.name;
        EXPECT_EQ(real->bytes, tensor.bytes()) << tensor.name;
    }
}

TEST(SyntheticModel, IsTheSameForEveryNumberOfThreadsAndAnotherForEverySeed) {
    const TemporaryPath folder;
    ASSERT_TRUE(made("tales", TensorType::Q4_0, 2).write(folder / "one.gguf", 1, kGoOn));
    ASSERT_TRUE(made("tales", TensorType::Q4_0, 2).write(folder / "three.gguf", 3, kGoOn));
    ASSERT_TRUE(made("tales", TensorType::Q4_0, 2, 2).write(folder / "other.gguf", 3, kGoOn));
    const auto hash = [&](const char* name) { return model::GgufFile(folder / name).hash(); };
    EXPECT_EQ(hash("one.gguf"), hash("three.gguf"));
    EXPECT_NE(hash("one.gguf"), hash("other.gguf"));
}

TEST(SyntheticModel, SaysThatItIsSyntheticAndHasATokenizerThatWorks) {
    const TemporaryPath folder;
    ASSERT_TRUE(made("tales", TensorType::Q8_0, 1).write(folder / "m.gguf", 2, kGoOn));
    const model::GgufFile file(folder / "m.gguf");
    const auto facts = model::readModelFacts(file, model::readModelConfig(file));
    EXPECT_TRUE(facts.synthetic);
    EXPECT_EQ(facts.name, "Synthetic Tales-MoE shape");
    EXPECT_EQ(model::makeTokenizer(file)->encode("Tell me a story.", true, true),
              model::makeTokenizer(bundled())->encode("Tell me a story.", true, true));
}

/// Reads reuse and recall out of the engine's events.
class Counter final : public trace::Tracer, public trace::TracerSource {
public:
    explicit Counter(int layers) : m_layers(static_cast<std::size_t>(layers)) {}
    trace::Tracer& openProducer(std::string_view) override { return *this; }
    void emit(const trace::Event& event, trace::Payload payload) noexcept override {
        const auto* chosen = std::get_if<trace::ExpertsChosen>(&event);
        const auto routing = chosen ? trace::decodeRouting(*chosen, payload) : std::nullopt;
        if (!routing)
            return;
        const auto index = static_cast<std::size_t>(chosen->layer.value);
        for (const std::uint16_t expert : routing->ids) {
            reused += contains(m_layers[index].before, expert);
            found += contains(m_layers[index].predicted, expert);
            asked += 1;
        }
        m_layers[index].before = routing->ids;
        if (index + 1 < m_layers.size())
            m_layers[index + 1].predicted = bestTwo(routing->predicted.at(0));
    }
    double reused = 0, found = 0, asked = 0;

private:
    struct LayerMemory {
        std::vector<std::uint16_t> before, predicted;
    };
    static bool contains(const std::vector<std::uint16_t>& ids, std::uint16_t expert) {
        return std::find(ids.begin(), ids.end(), expert) != ids.end();
    }
    static std::vector<std::uint16_t> bestTwo(std::vector<float> gate) {
        std::vector<std::uint16_t> ids;
        for (int i = 0; i < 2; ++i) {
            const auto best = std::max_element(gate.begin(), gate.end());
            ids.push_back(static_cast<std::uint16_t>(best - gate.begin()));
            *best = -1;
        }
        return ids;
    }
    std::vector<LayerMemory> m_layers;
};

TEST(SyntheticModel, RoutesWithTheLocalityItAimsAt) {
    const TemporaryPath folder;
    const SyntheticModel tales = made("tales", TensorType::Q8_0);
    ASSERT_TRUE(tales.write(folder / "m.gguf", 2, kGoOn));
    constexpr int kTokens = 512;
    Counter counter(8);
    const trace::SteadyClock clock;
    runtime::EngineOptions options;
    options.model = folder / "m.gguf";
    runtime::Engine engine(options, counter, clock);
    std::vector<std::int32_t> tokens;
    for (int i = 0; i < kTokens; ++i)
        tokens.push_back(300 + (i * 7919) % 3700);
    float greatest = 0;
    engine.score(tokens, runtime::Engine::ScoreMode::Decode, [&](int, std::span<const float> logits) {
        for (const float logit : logits) {
            EXPECT_TRUE(std::isfinite(logit));
            greatest = std::max(greatest, std::fabs(logit));
        }
        return true;
    });
    EXPECT_GT(greatest, 5);
    EXPECT_LT(greatest, 50);
    double reuse = 0;
    double recall = 0;
    for (std::size_t layer = 0; layer < 8; ++layer) {
        reuse += tales.routing().expectedReuse[layer] / 8;
        recall += tales.routing().expectedRecall[layer] / 7;
    }
    EXPECT_NEAR(counter.reused / counter.asked, reuse, 0.04);
    EXPECT_NEAR(counter.found / counter.asked * 8 / 7, recall, 0.03);
}

} // namespace
} // namespace moescope::synthesis
