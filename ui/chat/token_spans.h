#pragma once
#include <QString>
#include <vector>

namespace moescope::ui {

/// Where a token stands in a rendered text: [begin, end) in characters; empty when all of it was markup.
struct TokenSpan {
    int begin = 0;
    int end = 0;
    bool empty() const { return end <= begin; }
    friend bool operator==(const TokenSpan&, const TokenSpan&) = default;
};

/// Finds the tokens of an answer in what Markdown made of it. Characters of the source that the rendering dropped (markup) are
/// passed over; white space matches any white space. One span per token, in order, never overlapping.
std::vector<TokenSpan> alignTokens(const std::vector<QString>& tokens, QStringView rendered);

/// Index of the span that holds the position, -1 if none.
int spanAt(const std::vector<TokenSpan>& spans, int position);

} // namespace moescope::ui
