#include "engine/policy/decision_sample.h"

#include <algorithm>
#include <charconv>

namespace moescope::policy {

namespace {

constexpr std::string_view kDigits = "0123456789abcdef";
constexpr std::size_t kWordDigits = 4;

void putWord(std::string& text, std::uint16_t word) {
    for (const unsigned byte : {word & 0xffU, static_cast<unsigned>(word) >> 8U}) {
        text += kDigits[byte >> 4U];
        text += kDigits[byte & 15U];
    }
}

bool takeWord(std::string_view text, std::size_t index, std::uint16_t& word) {
    unsigned bytes[2] = {};
    for (std::size_t i = 0; i < 2; ++i) {
        const char* begin = text.data() + index * kWordDigits + 2 * i;
        const auto [stop, problem] = std::from_chars(begin, begin + 2, bytes[i], 16);
        if (problem != std::errc() || stop != begin + 2)
            return false;
    }
    word = static_cast<std::uint16_t>(bytes[0] | bytes[1] << 8U);
    return true;
}

std::size_t rowWidth(const DecisionSample& sample) {
    return static_cast<std::size_t>(sample.layers) * static_cast<std::size_t>(sample.rule.topK);
}

} // namespace

std::size_t DecisionSample::tokens() const {
    const std::size_t width = rowWidth(*this);
    return width > 0 ? ids.size() / width : 0;
}

DecisionTrace DecisionSample::trace() const {
    DecisionTrace trace(experts, rule);
    const auto topK = static_cast<std::size_t>(rule.topK);
    std::vector<float> softmax(static_cast<std::size_t>(experts));
    for (std::size_t decision = 0; decision * topK < ids.size(); ++decision) {
        float rest = 1;
        float least = 1;
        for (std::size_t at = decision * topK; at < (decision + 1) * topK; ++at) {
            rest -= probabilities[at];
            least = std::min(least, probabilities[at]);
        }
        // Below the chosen ones, whatever half precision made of them: the choice must stay what it was.
        const auto others = static_cast<float>(std::max<std::size_t>(1, softmax.size() - topK));
        std::fill(softmax.begin(), softmax.end(), std::clamp(rest / others, 0.0F, least * 0.999F));
        for (std::size_t at = decision * topK; at < (decision + 1) * topK; ++at)
            softmax[ids[at]] = probabilities[at];
        const auto layer = static_cast<int>(decision % static_cast<std::size_t>(layers));
        trace.add(layer, trace::TokenIndex(static_cast<std::int32_t>(decision / static_cast<std::size_t>(layers))), softmax);
    }
    return trace;
}

std::string encodeDecisions(const DecisionSample& sample) {
    std::string text;
    text.reserve((sample.ids.size() + sample.probabilities.size()) * kWordDigits);
    for (const std::uint16_t id : sample.ids)
        putWord(text, id);
    for (const float probability : sample.probabilities)
        putWord(text, trace::toHalf(probability));
    return text;
}

bool decodeDecisions(std::string_view text, DecisionSample& sample) {
    const std::size_t width = rowWidth(sample);
    if (width == 0 || sample.experts < sample.rule.topK || text.empty() || text.size() % (2 * kWordDigits * width) != 0)
        return false;
    const std::size_t count = text.size() / (2 * kWordDigits);
    sample.ids.resize(count);
    sample.probabilities.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
        std::uint16_t half = 0;
        if (!takeWord(text, i, sample.ids[i]) || !takeWord(text, count + i, half) || sample.ids[i] >= sample.experts)
            return false;
        sample.probabilities[i] = trace::fromHalf(half);
        if (!(sample.probabilities[i] >= 0 && sample.probabilities[i] <= 1))
            return false;
    }
    return true;
}

} // namespace moescope::policy
