#pragma once
#include "engine/model/gguf_file.h"
#include "engine/model/model_config.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

namespace moescope::tests {

/// A Mixtral written down as plain loops in double precision: slow, without cache, packing, threads or policies. What the
/// engine is compared with where no other program's numbers exist.
class ReferenceModel {
public:
    using Row = std::vector<double>;

    ReferenceModel(const model::GgufFile& file, const model::ModelConfig& config) : m_file(file), m_config(config) {}

    struct Result {
        std::vector<Row> logits;              ///< [position][vocabulary]
        std::vector<std::vector<Row>> router; ///< [layer][position][experts], softmax
    };

    Result run(const std::vector<std::int32_t>& tokens) {
        Result result;
        const Row embedding = tensor("token_embd.weight");
        const auto width = static_cast<std::size_t>(m_config.hidden);
        std::vector<Row> hidden;
        for (const std::int32_t token : tokens) {
            const auto first = embedding.begin() + token * static_cast<std::ptrdiff_t>(width);
            hidden.emplace_back(first, first + static_cast<std::ptrdiff_t>(width));
        }
        for (int layer = 0; layer < m_config.layers; ++layer) {
            attend(layer, hidden);
            result.router.push_back(runExperts(layer, hidden));
        }
        const Row finalNorm = tensor("output_norm.weight");
        const Row head = tensor(m_file.find("output.weight") ? "output.weight" : "token_embd.weight");
        for (const Row& row : hidden)
            result.logits.push_back(product(head, normalised(row, finalNorm)));
        return result;
    }

private:
    Row tensor(const std::string& name) const {
        const model::TensorView& view = *m_file.find(name);
        std::vector<float> values(static_cast<std::size_t>(view.ne[0] * view.ne[1] * view.ne[2]));
        model::dequantise(view.type, view.data, values);
        return {values.begin(), values.end()};
    }
    Row tensor(int layer, const std::string& part) const {
        return tensor("blk." + std::to_string(layer) + "." + part + ".weight");
    }

    static Row product(const Row& matrix, const Row& x, std::size_t offset = 0, std::size_t rows = 0) {
        rows = rows == 0 ? matrix.size() / x.size() : rows;
        Row out(rows);
        for (std::size_t row = 0; row < rows; ++row)
            out[row] = std::inner_product(x.begin(), x.end(),
                                          matrix.begin() + static_cast<std::ptrdiff_t>(offset + row * x.size()), 0.0);
        return out;
    }

    Row normalised(const Row& x, const Row& weight) const {
        const double mean = std::inner_product(x.begin(), x.end(), x.begin(), 0.0) / static_cast<double>(x.size());
        Row out(x.size());
        for (std::size_t i = 0; i < x.size(); ++i)
            out[i] = x[i] / std::sqrt(mean + double{m_config.rmsEpsilon}) * weight[i];
        return out;
    }

    void rotate(Row& x, int position) const {
        const int size = m_config.headSize;
        for (std::size_t i = 0; i < x.size(); i += 2) {
            const int pair = static_cast<int>(i) % size / 2;
            const double angle = position * std::pow(double{m_config.ropeBase}, -2.0 * pair / size);
            const double even = x[i];
            x[i] = even * std::cos(angle) - x[i + 1] * std::sin(angle);
            x[i + 1] = even * std::sin(angle) + x[i + 1] * std::cos(angle);
        }
    }

    void attend(int layer, std::vector<Row>& hidden) const {
        const Row norm = tensor(layer, "attn_norm");
        const Row query = tensor(layer, "attn_q");
        const Row key = tensor(layer, "attn_k");
        const Row value = tensor(layer, "attn_v");
        const Row output = tensor(layer, "attn_output");
        std::vector<Row> keys;
        std::vector<Row> values;
        for (std::size_t position = 0; position < hidden.size(); ++position) {
            const Row input = normalised(hidden[position], norm);
            Row queries = product(query, input);
            keys.push_back(product(key, input));
            values.push_back(product(value, input));
            rotate(queries, static_cast<int>(position));
            rotate(keys.back(), static_cast<int>(position));
            const Row mixed = product(output, attendHeads(queries, keys, values));
            std::transform(mixed.begin(), mixed.end(), hidden[position].begin(), hidden[position].begin(), std::plus<>());
        }
    }

    Row attendHeads(const Row& queries, const std::vector<Row>& keys, const std::vector<Row>& values) const {
        const auto size = static_cast<std::size_t>(m_config.headSize);
        const auto perGroup = static_cast<std::size_t>(m_config.heads / m_config.kvHeads);
        Row out(queries.size(), 0.0);
        for (std::size_t head = 0; head < static_cast<std::size_t>(m_config.heads); ++head) {
            const std::size_t shared = head / perGroup * size;
            Row scores;
            for (const Row& key : keys) {
                double score = 0;
                for (std::size_t i = 0; i < size; ++i)
                    score += queries[head * size + i] * key[shared + i];
                scores.push_back(score / std::sqrt(static_cast<double>(size)));
            }
            softmax(scores);
            for (std::size_t position = 0; position < keys.size(); ++position)
                for (std::size_t i = 0; i < size; ++i)
                    out[head * size + i] += scores[position] * values[position][shared + i];
        }
        return out;
    }

    std::vector<Row> runExperts(int layer, std::vector<Row>& hidden) const {
        const Row norm = tensor(layer, "ffn_norm");
        const Row router = tensor(layer, "ffn_gate_inp");
        const Row gate = tensor(layer, "ffn_gate_exps");
        const Row up = tensor(layer, "ffn_up_exps");
        const Row down = tensor(layer, "ffn_down_exps");
        const auto width = static_cast<std::size_t>(m_config.expertWidth);
        std::vector<Row> choices;
        for (Row& row : hidden) {
            const Row input = normalised(row, norm);
            Row probabilities = product(router, input);
            softmax(probabilities);
            choices.push_back(probabilities);
            std::vector<std::size_t> order(probabilities.size());
            std::iota(order.begin(), order.end(), std::size_t{0});
            std::stable_sort(order.begin(), order.end(),
                             [&](std::size_t a, std::size_t b) { return probabilities[a] > probabilities[b]; });
            order.resize(static_cast<std::size_t>(m_config.topK));
            double sum = 0;
            for (const std::size_t expert : order)
                sum += probabilities[expert];
            for (const std::size_t expert : order) {
                const std::size_t offset = expert * width * input.size();
                Row inner = product(gate, input, offset, width);
                const Row other = product(up, input, offset, width);
                for (std::size_t i = 0; i < width; ++i)
                    inner[i] = inner[i] / (1 + std::exp(-inner[i])) * other[i];
                const Row out = product(down, inner, offset, input.size());
                for (std::size_t i = 0; i < row.size(); ++i)
                    row[i] += probabilities[expert] / sum * out[i];
            }
        }
        return choices;
    }

    static void softmax(Row& values) {
        const double most = *std::max_element(values.begin(), values.end());
        double sum = 0;
        for (double& value : values)
            sum += value = std::exp(value - most);
        for (double& value : values)
            value /= sum;
    }

    const model::GgufFile& m_file;
    const model::ModelConfig& m_config;
};

} // namespace moescope::tests
