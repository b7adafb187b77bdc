#include "ui/chat/token_spans.h"

#include <algorithm>

namespace moescope::ui {

namespace {

/// How far ahead a character is looked for in the rendering: bullets and numbers that Markdown writes itself lie between.
constexpr qsizetype kLookAhead = 4;

bool isSpace(QChar c) {
    return c.isSpace() || c == QChar::ParagraphSeparator || c == QChar::LineSeparator || c == QChar::Nbsp;
}

} // namespace

std::vector<TokenSpan> alignTokens(const std::vector<QString>& tokens, QStringView rendered) {
    std::vector<TokenSpan> spans;
    spans.reserve(tokens.size());
    qsizetype at = 0;
    for (const QString& token : tokens) {
        qsizetype begin = -1;
        for (const QChar c : token) {
            if (isSpace(c)) {
                if (at < rendered.size() && isSpace(rendered[at])) {
                    begin = begin < 0 ? at : begin;
                    ++at;
                }
                continue;
            }
            qsizetype found = at;
            while (found < rendered.size() && isSpace(rendered[found]))
                ++found;
            const qsizetype limit = std::min(rendered.size(), found + kLookAhead);
            // A letter or digit is never markup: look a little further for it. Anything else that differs is.
            while (c.isLetterOrNumber() && found < limit && rendered[found] != c)
                ++found;
            if (found >= limit || rendered[found] != c)
                continue;
            begin = begin < 0 ? found : begin;
            at = found + 1;
        }
        const auto end = static_cast<int>(at);
        spans.push_back({begin < 0 ? end : static_cast<int>(begin), end});
    }
    return spans;
}

int spanAt(const std::vector<TokenSpan>& spans, int position) {
    const auto after =
        std::upper_bound(spans.begin(), spans.end(), position, [](int p, const TokenSpan& s) { return p < s.end; });
    if (after == spans.end() || after->empty() || position < after->begin)
        return -1;
    return static_cast<int>(after - spans.begin());
}

} // namespace moescope::ui
