#include "ui/plot/pass_lookup.h"

#include "ui/plot/token_text.h"

namespace moescope::ui {

int passAt(const analysis::Snapshot& snapshot, trace::TimeNs time) {
    std::size_t low = 0;
    std::size_t high = snapshot.passes.size();
    while (low < high) {
        const std::size_t middle = low + (high - low) / 2;
        if (snapshot.passes[middle].begin <= time)
            low = middle + 1;
        else
            high = middle;
    }
    return static_cast<int>(low) - 1;
}

int passOf(const analysis::Snapshot& snapshot, trace::TokenIndex token) {
    if (!token.valid() || static_cast<std::size_t>(token.value) >= snapshot.tokens.size())
        return -1;
    const std::int32_t pass = snapshot.tokens[static_cast<std::size_t>(token.value)].pass;
    return pass >= 0 && static_cast<std::size_t>(pass) < snapshot.passes.size() ? pass : -1;
}

QString passText(const analysis::Snapshot& snapshot, const analysis::PassRecord& pass) {
    if (pass.phase == trace::Phase::Prefill && pass.tokens > 1)
        return QObject::tr("%1 prompt tokens").arg(pass.tokens);
    const auto token = static_cast<std::size_t>(std::max(0, pass.firstToken.value));
    return token < snapshot.tokens.size() ? tokenText(snapshot.tokens[token].text) : QString();
}

} // namespace moescope::ui
