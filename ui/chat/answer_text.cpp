#include "ui/chat/answer_text.h"

#include <QTextBlock>
#include <QTextCursor>
#include <QTextDocument>
#include <algorithm>

using namespace Qt::StringLiterals;

namespace moescope::ui {

namespace {

constexpr int kLineHeightPercent = 140;
// A model's words are not to be taken as HTML: it could ask for files or pictures.
const QTextDocument::MarkdownFeatures kFeatures =
    QTextDocument::MarkdownFeatures(QTextDocument::MarkdownDialectGitHub) | QTextDocument::MarkdownNoHTML;

bool opensListItem(QStringView text) {
    const QChar first = text.front();
    return first == u'-' || first == u'*' || first == u'+' ||
           (first.isDigit() && (text.contains(u". ") || text.contains(u") ")));
}

bool opensBlock(QStringView line) {
    const QStringView text = line.trimmed();
    if (text.isEmpty())
        return true;
    const QChar first = text.front();
    return first == u'#' || first == u'|' || first == u'>' || text.startsWith(u"```") || opensListItem(text);
}

QTextBlockFormat spacedBlock() {
    QTextBlockFormat format;
    format.setLineHeight(kLineHeightPercent, QTextBlockFormat::ProportionalHeight);
    return format;
}

QString withoutLeadingSpace(const QString& text) {
    const auto first = std::find_if_not(text.begin(), text.end(), [](QChar c) { return c.isSpace(); });
    return text.sliced(first - text.begin());
}

} // namespace

qsizetype endOfCompleteBlocks(QStringView text) {
    qsizetype end = 0;
    bool fenced = false;
    bool inList = false;
    qsizetype lineStart = 0;
    while (lineStart < text.size()) {
        const qsizetype newline = text.indexOf(u'\n', lineStart);
        if (newline < 0)
            break;
        const QStringView line = text.sliced(lineStart, newline - lineStart);
        if (line.trimmed().startsWith(u"```"))
            fenced = !fenced;
        const bool blank = line.trimmed().isEmpty();
        if (!blank && !line.front().isSpace())
            inList = opensListItem(line);
        // A list may go on after a blank line; cutting it there would restart its numbers.
        if (blank && !fenced && !inList)
            end = newline + 1;
        lineStart = newline + 1;
    }
    return end;
}

QString withHardLineEnds(const QString& text) {
    QStringList lines = text.split(u'\n');
    bool fenced = false;
    for (qsizetype i = 0; i + 1 < lines.size(); ++i) {
        if (lines[i].trimmed().startsWith(u"```"_s))
            fenced = !fenced;
        else if (!fenced && !lines[i].trimmed().isEmpty() && !opensBlock(lines[i + 1]))
            lines[i] += u"  "_s;
    }
    return lines.join(u'\n');
}

AnswerText::AnswerText(QTextDocument& document) : m_document(document) {
    m_document.setUndoRedoEnabled(false);
    m_document.setDocumentMargin(0);
}

void AnswerText::update(const QString& whole, bool complete) {
    if (!whole.startsWith(m_source) || (m_complete && whole.size() != m_source.size())) {
        m_document.clear();
        m_source.clear();
        m_settled = 0;
        m_tailPosition = 0;
        m_complete = false;
    }
    if (whole.size() > m_source.size()) {
        const QString piece = whole.sliced(m_source.size());
        m_source = whole;
        append(piece);
        const qsizetype end = m_settled + endOfCompleteBlocks(QStringView(m_source).sliced(m_settled));
        if (end > m_settled && !complete)
            settle(end);
    }
    if (complete && !m_complete) {
        m_complete = true;
        renderWhole();
    }
}

void AnswerText::append(const QString& piece) {
    QTextCursor cursor(&m_document);
    cursor.movePosition(QTextCursor::End);
    if (cursor.blockFormat().lineHeightType() == QTextBlockFormat::SingleHeight)
        cursor.setBlockFormat(spacedBlock());
    // Sentence pieces begin with the space before the word; the first word of an answer needs none.
    const bool first = m_document.isEmpty();
    cursor.insertText(first ? withoutLeadingSpace(piece) : piece, QTextCharFormat());
}

void AnswerText::settle(qsizetype until) {
    const QString block = m_source.sliced(m_settled, until - m_settled);
    const QString tail = m_source.sliced(until);
    QTextCursor cursor(&m_document);
    cursor.beginEditBlock();
    cursor.setPosition(m_tailPosition);
    cursor.movePosition(QTextCursor::End, QTextCursor::KeepAnchor);
    cursor.removeSelectedText();
    cursor.insertMarkdown(withHardLineEnds(block.trimmed()), kFeatures);
    cursor.movePosition(QTextCursor::End);
    cursor.insertBlock(spacedBlock(), QTextCharFormat());
    spaceLines(m_tailPosition, cursor.position());
    m_settled = until;
    m_tailPosition = cursor.position();
    cursor.insertText(tail);
    cursor.endEditBlock();
    ++m_renders;
}

void AnswerText::renderWhole() {
    m_document.setMarkdown(withHardLineEnds(m_source.trimmed()), kFeatures);
    m_settled = m_source.size();
    ++m_renders;
    spaceLines(0, m_document.characterCount() - 1);
}

void AnswerText::spaceLines(int from, int until) {
    QTextCursor cursor(&m_document);
    cursor.setPosition(from);
    cursor.setPosition(until, QTextCursor::KeepAnchor);
    cursor.mergeBlockFormat(spacedBlock());
}

} // namespace moescope::ui
