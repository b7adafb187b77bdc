#include "ui/plot/token_experts.h"

namespace moescope::ui {

int routedTokens(const analysis::Snapshot& snapshot) {
    return snapshot.layers > 0 ? static_cast<int>(snapshot.choices.size() / static_cast<std::size_t>(snapshot.layers)) : 0;
}

std::optional<trace::TokenIndex> outlinedToken(const analysis::Snapshot& snapshot, const Selection& selection) {
    const int routed = routedTokens(snapshot);
    if (routed == 0)
        return std::nullopt;
    const auto token = selection.effective().token;
    return token && token->value < routed ? *token : trace::TokenIndex(routed - 1);
}

std::vector<trace::ExpertKey> expertsOf(const analysis::Snapshot& snapshot, trace::TokenIndex token) {
    std::vector<trace::ExpertKey> keys;
    for (int layer = 0; layer < snapshot.layers; ++layer) {
        const auto index =
            static_cast<std::size_t>(token.value) * static_cast<std::size_t>(snapshot.layers) + static_cast<std::size_t>(layer);
        if (index >= snapshot.choices.size())
            break;
        const analysis::ChoiceRecord& choice = snapshot.choices[index];
        for (std::size_t i = 0; i < choice.kept; ++i)
            keys.push_back(trace::expertKey(layer, choice.ids[i]));
    }
    return keys;
}

} // namespace moescope::ui
