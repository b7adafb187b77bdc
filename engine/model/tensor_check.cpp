#include "engine/model/tensor_check.h"

#include "engine/model/model_error.h"

#include <fmt/format.h>

#include <unordered_set>

namespace moescope::model {
namespace {

/// Remembers which tensors were asked for, so that those nobody asked for can be named.
class TensorCheck {
public:
    explicit TensorCheck(const GgufFile& file) : m_file(file) {}

    void require(const std::string& name, std::initializer_list<std::int64_t> ne) {
        m_known.insert(m_file.require(name, ne).name);
    }
    void allow(const std::string& name, std::initializer_list<std::int64_t> ne) {
        if (m_file.find(name))
            require(name, ne);
    }
    void refuseOthers() const {
        for (const TensorView& tensor : m_file.tensors())
            if (!m_known.contains(tensor.name))
                refuse(m_file.name(), fmt::format("it holds the tensor {}, which this version does not know how to use",
                                                  quotedName(tensor.name)));
    }

private:
    const GgufFile& m_file;
    std::unordered_set<std::string_view> m_known;
};

void refuseOtherLayouts(const GgufFile& file) {
    if (file.find("blk.0.ffn_gate.0.weight"))
        refuse(file.name(),
               "its experts are stored one tensor each, an outdated layout; convert the model again with a current "
               "llama.cpp");
    if (file.find("blk.0.ffn_gate_up_exps.weight"))
        refuse(file.name(),
               "gate and up projections of its experts are stored as one tensor, which this version does not read");
}

} // namespace

void checkTensors(const GgufFile& file, const ModelConfig& c) {
    refuseOtherLayouts(file);
    TensorCheck check(file);
    check.require("token_embd.weight", {c.hidden, c.vocabulary});
    check.require("output_norm.weight", {c.hidden});
    check.allow("output.weight", {c.hidden, c.vocabulary});
    for (int layer = 0; layer < c.layers; ++layer) {
        const auto named = [layer](std::string_view part) { return fmt::format("blk.{}.{}.weight", layer, part); };
        check.require(named("attn_norm"), {c.hidden});
        check.require(named("attn_q"), {c.hidden, std::int64_t{c.heads} * c.headSize});
        check.require(named("attn_k"), {c.hidden, std::int64_t{c.kvHeads} * c.headSize});
        check.require(named("attn_v"), {c.hidden, std::int64_t{c.kvHeads} * c.headSize});
        check.require(named("attn_output"), {std::int64_t{c.heads} * c.headSize, c.hidden});
        check.require(named("ffn_norm"), {c.hidden});
        check.require(named("ffn_gate_inp"), {c.hidden, c.experts});
        check.require(named("ffn_gate_exps"), {c.hidden, c.expertWidth, c.experts});
        check.require(named("ffn_up_exps"), {c.hidden, c.expertWidth, c.experts});
        check.require(named("ffn_down_exps"), {c.expertWidth, c.hidden, c.experts});
    }
    check.refuseOthers();
}

} // namespace moescope::model
