#include "engine/model/model_config.h"

#include "engine/model/model_error.h"
#include "engine/model/tensor_check.h"
#include "engine/trace/routing_payload.h"

#include <fmt/format.h>

#include <algorithm>

namespace moescope::model {
namespace {

// Upper ends are far beyond any real model; they keep products of sizes inside 64 bits.
constexpr std::int64_t kMostLayers = 1024;
constexpr std::int64_t kMostExperts = 1024;
constexpr std::int64_t kWidest = 1 << 20;
constexpr std::int64_t kLongestContext = 1 << 24;
constexpr std::int64_t kLargestVocabulary = 1 << 24;

struct KnownArchitecture {
    std::string_view id;
    std::string_view people;
};
constexpr KnownArchitecture kKnown[] = {
    {"qwen2moe", "Qwen1.5/2-MoE"},
    {"qwen3moe", "Qwen3-MoE"},
    {"qwen3next", "Qwen3-Next"},
    {"olmoe", "OLMoE"},
    {"deepseek", "DeepSeek-MoE"},
    {"deepseek2", "DeepSeek-V2/V3"},
    {"gpt-oss", "gpt-oss"},
    {"llama4", "Llama 4"},
    {"dbrx", "DBRX"},
    {"grok", "Grok"},
    {"phimoe", "Phi-3.5-MoE"},
    {"granitemoe", "Granite-MoE"},
    {"glm4moe", "GLM-4-MoE"},
    {"bailingmoe", "Ling"},
    {"bailingmoe2", "Ling 2"},
    {"dots1", "dots.llm1"},
    {"ernie4_5-moe", "ERNIE 4.5"},
    {"hunyuan-moe", "Hunyuan-MoE"},
    {"minimax-m2", "MiniMax-M2"},
    {"lfm2moe", "LFM2-MoE"},
    {"smallthinker", "SmallThinker"},
    {"grovemoe", "GroveMoE"},
    {"arctic", "Snowflake Arctic"},
    {"afmoe", "Arcee Trinity"},
};

class ConfigReader {
public:
    explicit ConfigReader(const GgufFile& file) : m_file(file) {}

    ModelConfig read() {
        readArchitecture();
        m_config.layers = size("block_count", kMostLayers);
        m_config.hidden = size("embedding_length", kWidest);
        m_config.contextTokens = size("context_length", kLongestContext);
        readExperts();
        readAttention();
        readRope();
        readVocabulary();
        m_config.rmsEpsilon = static_cast<float>(positive("attention.layer_norm_rms_epsilon", std::nullopt));
        return m_config;
    }

private:
    [[noreturn]] void fail(std::string_view reason) const { refuse(m_file.name(), reason); }
    std::string key(std::string_view part) const { return fmt::format("{}.{}", m_config.architecture, part); }

    /// From 1 to most; throws when absent and there is no fallback.
    int size(std::string_view part, std::int64_t most, std::optional<std::int64_t> fallback = {}) const {
        auto value = m_file.integer(key(part));
        if (!value)
            value = fallback;
        if (!value)
            fail(fmt::format("metadata key '{}' is missing", key(part)));
        if (*value < 1 || *value > most)
            fail(fmt::format("metadata key '{}' is {}, outside 1 to {}", key(part), *value, most));
        return static_cast<int>(*value);
    }

    double positive(std::string_view part, std::optional<double> fallback) const {
        auto value = m_file.real(key(part));
        if (!value)
            value = fallback;
        if (!value)
            fail(fmt::format("metadata key '{}' is missing", key(part)));
        if (!(*value > 1e-30 && *value < 1e30))
            fail(fmt::format("metadata key '{}' is {}, not a positive number", key(part), *value));
        return *value;
    }

    void readArchitecture() {
        const auto architecture = m_file.text("general.architecture");
        if (!architecture)
            fail("metadata key 'general.architecture' is missing");
        if (*architecture != "llama") {
            const auto* const known = std::find_if(std::begin(kKnown), std::end(kKnown),
                                                   [&](const KnownArchitecture& a) { return a.id == *architecture; });
            const std::string people = known == std::end(kKnown) ? "" : fmt::format(" ({})", known->people);
            fail(fmt::format("its architecture {}{} is not supported yet; this version runs 'llama' with experts (Mixtral)",
                             quotedName(*architecture), people));
        }
        m_config.architecture = *architecture;
    }

    void readExperts() {
        if (m_file.integer(key("expert_count")).value_or(0) == 0)
            fail("it is a dense model without experts, and this program shows Mixture-of-Experts models");
        m_config.experts = size("expert_count", kMostExperts);
        m_config.topK = size("expert_used_count", std::min(m_config.experts, trace::kMaxTopK));
        m_config.expertWidth = size("feed_forward_length", kWidest);
    }

    void readAttention() {
        m_config.heads = size("attention.head_count", kWidest);
        m_config.kvHeads = size("attention.head_count_kv", kWidest, m_config.heads);
        if (m_config.heads % m_config.kvHeads != 0)
            fail(fmt::format("its {} attention heads cannot share {} key-value heads", m_config.heads, m_config.kvHeads));
        const bool divides = m_config.hidden % m_config.heads == 0;
        const std::optional<std::int64_t> usual = divides ? std::optional(m_config.hidden / m_config.heads) : std::nullopt;
        m_config.headSize = size("attention.key_length", kWidest, usual);
        if (size("attention.value_length", kWidest, m_config.headSize) != m_config.headSize)
            fail("its attention keys and values differ in size, which this version does not support");
        if (std::int64_t{m_config.heads} * m_config.headSize > kWidest)
            fail(fmt::format("its {} attention heads of {} are too wide", m_config.heads, m_config.headSize));
    }

    void readRope() {
        m_config.ropeBase = static_cast<float>(positive("rope.freq_base", 10000.0));
        if (m_config.headSize % 2 != 0)
            fail(fmt::format("its attention head size {} is odd", m_config.headSize));
        if (size("rope.dimension_count", kWidest, m_config.headSize) != m_config.headSize)
            fail("it rotates only a part of each attention head, which this version does not support");
        const auto scaling = m_file.text(key("rope.scaling.type")).value_or("none");
        const double factor = m_file.real(key("rope.scaling.factor")).value_or(1.0);
        if (scaling != "none" && (scaling != "linear" || (factor != 0.0 && factor != 1.0)))
            fail(fmt::format("it stretches its context with RoPE scaling {}, which this version does not support",
                             quotedName(scaling)));
        if (m_file.integer(key("attention.sliding_window")).value_or(0) != 0)
            fail("it uses sliding-window attention, which this version does not support");
    }

    void readVocabulary() {
        std::optional<std::int64_t> rows;
        if (const TensorView* embedding = m_file.find("token_embd.weight"))
            rows = embedding->ne[1];
        m_config.vocabulary = size("vocab_size", kLargestVocabulary, rows);
        // A token id beyond the embedding's rows would be read from behind the tensor.
        const auto tokens = m_file.texts("tokenizer.ggml.tokens");
        if (tokens && tokens->size() != static_cast<std::size_t>(m_config.vocabulary))
            fail(fmt::format("its tokenizer has {} tokens but its embedding {}", tokens->size(), m_config.vocabulary));
    }

    const GgufFile& m_file;
    ModelConfig m_config;
};

} // namespace

ModelConfig readModelConfig(const GgufFile& file) {
    ModelConfig config = ConfigReader(file).read();
    checkTensors(file, config);
    return config;
}

} // namespace moescope::model
