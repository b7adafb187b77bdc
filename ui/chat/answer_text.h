#pragma once
#include <QFont>
#include <QString>

class QTextDocument;

namespace moescope::ui {

/// Fills a document with an answer that streams in. What is new is appended as plain text; a block is turned into Markdown
/// once, when it is complete; nothing is rendered twice before the end. GUI thread; the document must outlive it.
class AnswerText {
public:
    explicit AnswerText(QTextDocument& document);

    /// `whole` is the answer so far; `complete` that nothing follows. Only what follows the present text is looked at, unless
    /// the text is another one (the user scrubbed back).
    void update(const QString& whole, bool complete);
    const QString& source() const { return m_source; }
    qint64 rendersOfMarkdown() const { return m_renders; }

private:
    void append(const QString& piece);
    void settle(qsizetype until);
    void renderWhole();
    void spaceLines(int from, int until);

    QTextDocument& m_document;
    QString m_source;
    qsizetype m_settled = 0; ///< source up to here stands as Markdown
    int m_tailPosition = 0;  ///< position in the document where plain text begins
    bool m_complete = false;
    qint64 m_renders = 0;
};

/// Where the last complete block of a Markdown text ends (after a blank line outside a code fence), 0 if none is complete.
qsizetype endOfCompleteBlocks(QStringView text);
/// Markdown would join lines that the model broke: makes single line ends hard, outside code fences.
QString withHardLineEnds(const QString& text);

} // namespace moescope::ui
