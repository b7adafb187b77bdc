#include "ui/chat/answer_text.h"
#include "ui/chat/conversation_tree.h"
#include "ui/chat/token_spans.h"

#include <QElapsedTimer>
#include <QTest>
#include <QTextBlock>
#include <QTextDocument>
#include <QTextList>
#include <random>

using namespace Qt::StringLiterals;
using namespace moescope::ui;

class ChatTextTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void aContinuedConversationIsOnePath();
    void aRegeneratedAnswerIsAVariant();
    void whatTheUserMeantCountsMoreThanExtents();
    void variantsKeepWhatFollowsThem();
    void blocksEndAtBlankLinesOutsideFences();
    void streamingEndsAsRenderingAtOnce();
    void aStreamedAnswerIsRenderedOncePerBlock();
    void scrubbingBackShowsTheShorterText();
    void htmlStaysText();
    void tokensAreFoundInWhatMarkdownMade();
    void everyTokenOfPlainTextIsFoundExactly();
    void appendingIsCheap();
};

void ChatTextTest::aContinuedConversationIsOnePath() {
    ConversationTree tree;
    tree.update({{20, 60}});
    tree.update({{20, 60}, {75, 100}});
    tree.update({{20, 60}, {75, 100}, {120, 140}});
    QCOMPARE(tree.path(), (std::vector<int>{0, 1, 2}));
    QCOMPARE(tree.parentOf(2), std::optional(1));
    QCOMPARE(tree.parentOf(0), std::nullopt);
}

void ChatTextTest::aRegeneratedAnswerIsAVariant() {
    ConversationTree tree;
    tree.update({{20, 60}, {75, 100}});
    // The same question again: it begins where its predecessor began. Not known before its first token.
    tree.update({{20, 60}, {75, 100}, {0, 30}});
    tree.update({{20, 60}, {75, 100}, {75, 90}});
    QCOMPARE(tree.path(), (std::vector<int>{0, 2}));
    QCOMPARE(tree.variantsOf(2), (std::vector<int>{1, 2}));
    tree.select(1);
    QCOMPARE(tree.path(), (std::vector<int>{0, 1}));
}

void ChatTextTest::whatTheUserMeantCountsMoreThanExtents() {
    ConversationTree tree;
    tree.update({{20, 30}});
    tree.expectChildOf(std::nullopt); // an edited first question, longer than all that was
    tree.update({{20, 30}, {0, 0}});
    tree.update({{20, 30}, {200, 240}});
    QCOMPARE(tree.path(), (std::vector<int>{1}));
    QCOMPARE(tree.variantsOf(1), (std::vector<int>{0, 1}));
}

void ChatTextTest::variantsKeepWhatFollowsThem() {
    ConversationTree tree;
    tree.update({{20, 60}, {75, 100}, {20, 50}, {70, 80}}); // 0-1, and a variant of 0 that goes on with 3
    QCOMPARE(tree.path(), (std::vector<int>{2, 3}));
    tree.select(0);
    QCOMPARE(tree.path(), (std::vector<int>{0, 1}));
    tree.select(2);
    QCOMPARE(tree.path(), (std::vector<int>{2, 3}));
    tree.clear();
    QVERIFY(tree.path().empty());
}

void ChatTextTest::blocksEndAtBlankLinesOutsideFences() {
    QCOMPARE(endOfCompleteBlocks(u"one line"), 0);
    QCOMPARE(endOfCompleteBlocks(u"one\n"), 0);
    QCOMPARE(endOfCompleteBlocks(u"one\n\ntwo"), 5);
    QCOMPARE(endOfCompleteBlocks(u"one\n\ntwo\n\nthree"), 10);
    QCOMPARE(endOfCompleteBlocks(u"```\na\n\nb\n"), 0);
    QCOMPARE(endOfCompleteBlocks(u"```\na\n\nb\n```\n\nc"), 14);
    QCOMPARE(endOfCompleteBlocks(u"1. a\n\n2. b\n"), 0);
}

namespace {

const QString kStory =
    u" # The fox\n\nOnce **upon** a time\nthere was a *fox*.\n\n- red\n- quick\n\nIt said `hello`.\n\n```\nint x = 1;\n\nreturn x;\n```\n\nThe end."_s;

QString streamed(const QString& whole, int step, bool complete, QTextDocument& document, qint64* renders = nullptr) {
    AnswerText text(document);
    for (qsizetype end = step; end < whole.size(); end += step)
        text.update(whole.first(end), false);
    text.update(whole, complete);
    if (renders)
        *renders = text.rendersOfMarkdown();
    return document.toPlainText();
}

} // namespace

void ChatTextTest::streamingEndsAsRenderingAtOnce() {
    QTextDocument reference;
    AnswerText(reference).update(kStory, true);
    const QString plain = reference.toPlainText();
    QVERIFY(!plain.contains(u'*'));
    QVERIFY(plain.startsWith(u"The fox"_s));
    QVERIFY(plain.contains(u"return x;"_s));
    for (const int step : {1, 3, 7, 50}) {
        QTextDocument document;
        QCOMPARE(streamed(kStory, step, true, document), plain);
        QCOMPARE(document.toHtml(), reference.toHtml());
    }
}

void ChatTextTest::aStreamedAnswerIsRenderedOncePerBlock() {
    QTextDocument document;
    qint64 renders = 0;
    const QString plain = streamed(kStory, 1, false, document, &renders);
    // Heading, paragraph, list with the paragraph after it, code: each once, not once per token.
    QVERIFY2(renders >= 3 && renders <= 5, qPrintable(QString::number(renders)));
    QVERIFY(plain.endsWith(u"The end."_s));
    QVERIFY(!plain.contains(u"**upon**"_s));
}

void ChatTextTest::scrubbingBackShowsTheShorterText() {
    QTextDocument document;
    AnswerText text(document);
    text.update(u"Once upon a time."_s, true);
    text.update(u"Once upon"_s, false);
    QCOMPARE(document.toPlainText(), u"Once upon"_s);
    text.update(u"Once upon a time."_s, true);
    QCOMPARE(document.toPlainText(), u"Once upon a time."_s);
}

void ChatTextTest::htmlStaysText() {
    QTextDocument document;
    AnswerText(document).update(u"See <img src=\"file:///etc/passwd\"> <b>here</b>"_s, true);
    QVERIFY(document.toPlainText().contains(u"<b>here</b>"_s));
    QVERIFY(!document.toHtml().contains(u"<img"_s));
}

void ChatTextTest::tokensAreFoundInWhatMarkdownMade() {
    const std::vector<QString> tokens = {u" Once"_s, u" **"_s,  u"up"_s, u"on"_s,  u"**"_s,
                                         u" a"_s,    u"\n\n"_s, u"-"_s,  u" red"_s};
    QTextDocument document;
    QString whole;
    for (const QString& token : tokens)
        whole += token;
    AnswerText(document).update(whole, true);
    const QString plain = document.toPlainText();
    const std::vector<TokenSpan> spans = alignTokens(tokens, plain);
    QCOMPARE(spans.size(), tokens.size());
    const auto shown = [&](std::size_t i) { return plain.sliced(spans[i].begin, spans[i].end - spans[i].begin); };
    QCOMPARE(shown(0), u"Once"_s);
    QCOMPARE(shown(2), u"up"_s);
    QCOMPARE(shown(3), u"on"_s);
    QVERIFY(spans[4].empty());
    QCOMPARE(shown(5).trimmed(), u"a"_s);
    QCOMPARE(shown(8).trimmed(), u"red"_s);
    for (std::size_t i = 1; i < spans.size(); ++i)
        QVERIFY(spans[i].begin >= spans[i - 1].end);
    QCOMPARE(spanAt(spans, spans[3].begin), 3);
    QCOMPARE(spanAt(spans, 10'000), -1);
}

void ChatTextTest::everyTokenOfPlainTextIsFoundExactly() {
    std::mt19937 random(5);
    const QStringList pieces = {u" the"_s, u" fox"_s, u","_s, u" said"_s, u" \""_s, u"é"_s, u"ß"_s, u"!"_s, u" 42"_s, u"s"_s};
    for (int round = 0; round < 50; ++round) {
        std::vector<QString> tokens;
        QString plain;
        for (int i = 0; i < 60; ++i) {
            tokens.push_back(pieces[static_cast<qsizetype>(random() % static_cast<unsigned>(pieces.size()))]);
            plain += tokens.back();
        }
        const std::vector<TokenSpan> spans = alignTokens(tokens, plain);
        for (std::size_t i = 0; i < tokens.size(); ++i)
            QCOMPARE(plain.sliced(spans[i].begin, spans[i].end - spans[i].begin), tokens[i]);
    }
}

void ChatTextTest::appendingIsCheap() {
    QTextDocument document;
    document.setTextWidth(300);
    AnswerText text(document);
    QString whole;
    std::vector<double> costs;
    for (int i = 0; i < 600; ++i) {
        whole += i % 40 == 39 ? u"\n\n"_s : u" word"_s;
        QElapsedTimer timer;
        timer.start();
        text.update(whole, false);
        document.size(); // lays out what changed
        costs.push_back(static_cast<double>(timer.nsecsElapsed()) / 1e6);
    }
    std::sort(costs.begin(), costs.end());
    const double typical = costs[costs.size() / 2];
    qInfo("median cost of a token: %.3f ms, 99th percentile %.3f ms", typical, costs[costs.size() * 99 / 100]);
    QVERIFY(typical < 2);
}

QTEST_MAIN(ChatTextTest)
#include "chat_text_test.moc"
