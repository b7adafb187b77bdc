// The logits that llama.cpp computes for a tiny random Mixtral and a list of ids.
#include "tests/engine/backend/backend_runner.h"
#include "tests/engine/backend/random_weights.h"
#include "tests/support/gguf_writer.h"

#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace moescope::tests {
namespace {

/// Reads a GGUF file's tensor table and values without the reader under test.
class RawGguf {
public:
    explicit RawGguf(const std::filesystem::path& path) {
        std::ifstream stream(path, std::ios::binary);
        m_bytes.assign(std::istreambuf_iterator<char>(stream), {});
        m_at = 8;
        const auto tensors = number<std::uint64_t>();
        const auto values = number<std::uint64_t>();
        for (std::uint64_t i = 0; i < values; ++i) {
            text();
            skipValue(number<std::uint32_t>());
        }
        for (std::uint64_t i = 0; i < tensors; ++i)
            m_tensors.push_back(tensor());
        m_data = (m_at + 31) / 32 * 32;
    }

    struct Tensor {
        std::string name;
        std::vector<std::int64_t> ne;
        std::uint32_t type = 0;
        std::uint64_t offset = 0;
    };
    const std::vector<Tensor>& tensors() const { return m_tensors; }

    std::vector<float> values(const Tensor& tensor) const {
        std::size_t count = 1;
        for (const std::int64_t n : tensor.ne)
            count *= static_cast<std::size_t>(n);
        const auto* data = reinterpret_cast<const std::byte*>(m_bytes.data()) + m_data + tensor.offset;
        std::vector<float> floats(count);
        if (const auto* format = format_reference::find(static_cast<model::TensorType>(tensor.type))) {
            for (std::size_t i = 0; i < count; ++i)
                floats[i] =
                    static_cast<float>(format->reading(data + i / format->elements * format->bytes, i % format->elements));
            return floats;
        }
        std::memcpy(floats.data(), data, count * sizeof(float));
        return floats;
    }

private:
    template <class Number>
    Number number() {
        Number value{};
        std::memcpy(&value, m_bytes.data() + m_at, sizeof value);
        m_at += sizeof value;
        return value;
    }
    std::string text() {
        const auto length = number<std::uint64_t>();
        m_at += length;
        return m_bytes.substr(m_at - length, length);
    }
    void skipValue(std::uint32_t kind) {
        constexpr std::size_t kSizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
        if (kind == 8) {
            text();
        } else if (kind == 9) {
            const auto element = number<std::uint32_t>();
            for (auto left = number<std::uint64_t>(); left > 0; --left)
                skipValue(element);
        } else {
            m_at += kSizes[kind];
        }
    }
    Tensor tensor() {
        Tensor read;
        read.name = text();
        for (auto dims = number<std::uint32_t>(); dims > 0; --dims)
            read.ne.push_back(number<std::int64_t>());
        read.type = number<std::uint32_t>();
        read.offset = number<std::uint64_t>();
        return read;
    }

    std::string m_bytes;
    std::size_t m_at = 0;
    std::size_t m_data = 0;
    std::vector<Tensor> m_tensors;
};

GgufWriter translated(const RawGguf& source, model::TensorType type) {
    GgufWriter writer;
    writer.set("general.architecture", "llama");
    for (const auto& [key, value] :
         {std::pair("block_count", 2U), std::pair("context_length", 512U), std::pair("embedding_length", 256U),
          std::pair("feed_forward_length", 512U), std::pair("attention.head_count", 4U),
          std::pair("attention.head_count_kv", 2U), std::pair("expert_count", 8U), std::pair("expert_used_count", 2U),
          std::pair("vocab_size", 320U)})
        writer.set(std::string("llama.") + key, value);
    writer.set("llama.attention.layer_norm_rms_epsilon", 1e-5F).set("llama.rope.freq_base", 10000.0F);
    for (const RawGguf::Tensor& tensor : source.tensors()) {
        const bool plain = tensor.ne.size() == 1 || tensor.name.find("gate_inp") != std::string::npos;
        const model::TensorType as = plain ? model::TensorType::F32 : type;
        writer.addTensor(tensor.name, as, tensor.ne, stored(as, source.values(tensor)));
    }
    return writer;
}

double cosine(std::span<const float> a, std::span<const float> b) {
    double ab = 0;
    double aa = 0;
    double bb = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        ab += double{a[i]} * b[i];
        aa += double{a[i]} * a[i];
        bb += double{b[i]} * b[i];
    }
    return ab / std::sqrt(aa * bb);
}

/// What llama.cpp (build 10587) says after turning the same file into float32: arg-max, its logit, logits 237 and 240.
struct InFloat32 {
    int best;
    double top;
    double logit237;
    double logit240;
};
constexpr InFloat32 kInFloat32[] = {
    {60, 17.6121, -10.2010, -8.8491}, {240, 11.4723, 11.3885, 11.4723}, {240, 11.4915, 11.4131, 11.4915},
    {60, 17.3772, -9.2038, -7.7605},  {240, 11.3903, 11.3547, 11.3903}, {240, 11.6495, 11.5768, 11.6495},
    {240, 11.3968, 11.3578, 11.3968}, {240, 11.4265, 11.3737, 11.4265}, {240, 11.4235, 11.3896, 11.4235},
    {240, 11.5115, 11.4448, 11.5115}, {240, 11.6252, 11.5118, 11.6252}, {60, 17.1868, -8.2869, -6.7979},
    {240, 11.4756, 11.3608, 11.4756}, {60, 17.1807, -8.3019, -6.6761},  {60, 17.2342, -8.6292, -7.1218},
    {240, 11.6454, 11.4520, 11.6454}};

/// There llama.cpp's 8-bit activations turn the second expert of layer 0 from 6 (gate 0.1745) to 7 (0.1631), and everything
/// after it; in float32 its own result is the one above.
constexpr std::size_t kFlippedPosition = 10;

int bestOf(std::span<const float> logits) {
    return static_cast<int>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

class LlamaCppLogitsTest : public testing::TestWithParam<model::TensorType> {
protected:
    void SetUp() override {
        const std::filesystem::path folder = std::filesystem::path(MOESCOPE_SHARED_DIR) / "testdata/tiny-gguf";
        if (!std::filesystem::exists(folder / "llama.gguf"))
            GTEST_SKIP() << "No comparison files at " << folder;
        const RawGguf raw(folder / "llama.gguf");
        const auto bytes = isItself() ? std::vector<std::byte>() : translated(raw, GetParam()).bytes();
        const model::GgufFile file = isItself() ? model::GgufFile(folder / "llama.gguf") : model::GgufFile(bytes, "llama.gguf");
        m_reference = nlohmann::json::parse(std::ifstream(folder / "llama.logits.json"));
        const std::vector<std::int32_t> ids = m_reference["ids"];
        m_logits = BackendRunner(file, model::readModelConfig(file), {.threads = 2, .int8Kernels = {}}).run(ids, 5);
        ASSERT_EQ(m_logits.size(), std::size(kInFloat32));
    }

    /// The file as it is: Q4_K with some Q6_K, and F32.
    static bool isItself() { return GetParam() == model::TensorType::Q4_K; }

    nlohmann::json m_reference;
    std::vector<std::vector<float>> m_logits;
};

TEST_P(LlamaCppLogitsTest, EqualItsFloat32Result) {
    for (std::size_t position = 0; position < m_logits.size(); ++position) {
        const InFloat32& expected = kInFloat32[position];
        EXPECT_EQ(bestOf(m_logits[position]), expected.best) << "position " << position;
        const double tolerance = GetParam() == model::TensorType::F32 ? 3e-3 : 1e-2;
        EXPECT_NEAR(m_logits[position][static_cast<std::size_t>(expected.best)], expected.top, tolerance);
        EXPECT_NEAR(m_logits[position][237], expected.logit237, tolerance);
        EXPECT_NEAR(m_logits[position][240], expected.logit240, tolerance);
    }
}

TEST_P(LlamaCppLogitsTest, PointWhereItsQuantisedResultPoints) {
    for (std::size_t position = 0; position < m_logits.size(); ++position) {
        if (position == kFlippedPosition)
            continue;
        std::vector<float> expected = m_reference["logits"][position];
        ASSERT_EQ(expected.size(), m_logits[position].size());
        EXPECT_GE(cosine(m_logits[position], expected), 0.999) << "position " << position;
        // A tie to its own accuracy may go either way: what is best here must be as good as best there.
        EXPECT_NEAR(expected[static_cast<std::size_t>(bestOf(m_logits[position]))],
                    expected[static_cast<std::size_t>(bestOf(expected))], 0.01)
            << "position " << position;
    }
}

INSTANTIATE_TEST_SUITE_P(Types, LlamaCppLogitsTest,
                         testing::Values(model::TensorType::F32, model::TensorType::F16, model::TensorType::Q4_K),
                         [](const auto& instance) { return std::string(model::typeTraits(instance.param).name); });

} // namespace
} // namespace moescope::tests
