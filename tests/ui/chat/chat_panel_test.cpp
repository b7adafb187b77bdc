#include "tests/ui/support/panel_bench.h"
#include "ui/chat/answer_view.h"
#include "ui/chat/chat_panel.h"
#include "ui/chat/prompt_box.h"
#include "ui/chat/reasoning_view.h"
#include "ui/chat/sampling_row.h"
#include "ui/chat/turn_view.h"
#include "ui/live_label.h"

#include <QClipboard>
#include <QLabel>
#include <QProgressBar>
#include <QPushButton>
#include <QScrollArea>
#include <QSignalSpy>
#include <QToolButton>

using namespace Qt::StringLiterals;
using namespace moescope;
using namespace moescope::ui;
using namespace moescope::ui::test;

namespace {

/// A conversation that grows as a live session would let it grow.
class Talk {
public:
    Talk() {
        auto info = std::make_shared<session::SessionInfo>();
        info->model.contextTokens = 512;
        m_snapshot.info = info;
        m_snapshot.file = "live.moescope";
        m_snapshot.live = true;
    }
    void saysItsChatForm(const std::string& form) {
        auto info = std::make_shared<session::SessionInfo>(*m_snapshot.info);
        info->settings.emplace_back("chat-form", form);
        m_snapshot.info = info;
    }
    void ask(const std::string& prompt, int before) {
        analysis::TurnRecord turn;
        turn.turn = trace::TurnIndex(static_cast<int>(m_snapshot.turns.size()));
        turn.prompt = prompt;
        turn.contextUsed = before;
        turn.contextTokens = 512;
        turn.began = m_time += 1'000'000;
        turn.firstToken = trace::TokenIndex(static_cast<int>(m_snapshot.tokens.size()));
        m_snapshot.turns.push_back(turn);
    }
    void answer(const std::string& text) {
        analysis::TurnRecord& turn = m_snapshot.turns.back();
        analysis::TokenRecord token;
        token.turn = turn.turn;
        token.text = text;
        token.at = m_time += 5'000'000;
        if (turn.firstTokenAt < 0) {
            turn.firstTokenAt = token.at;
            turn.firstAnswerToken = trace::TokenIndex(static_cast<int>(m_snapshot.tokens.size()));
        }
        turn.answer += text;
        ++turn.answerTokens;
        ++turn.contextUsed;
        m_snapshot.tokens.push(token);
    }
    void end(trace::EndReason reason = trace::EndReason::EndOfText) {
        analysis::TurnRecord& turn = m_snapshot.turns.back();
        turn.ended = m_time += 1'000'000;
        turn.reason = reason;
        turn.decodeTokensPerSecond = 200;
        turn.meanKept = 1.52F;
        turn.bytesMoved = 41'000'000;
    }
    analysis::SnapshotPtr snapshot() const { return std::make_shared<analysis::Snapshot>(m_snapshot); }

private:
    analysis::Snapshot m_snapshot;
    trace::TimeNs m_time = 0;
};

struct Sent {
    QList<ChatTurn> messages;
    SamplingChoice sampling;
};

struct ChatBench : PanelBench {
    ChatBench() : panel(feed, selection, commands, theme) {
        QObject::connect(&commands, &Commands::promptSubmitted, &panel,
                         [this](const QList<ChatTurn>& messages, const SamplingChoice& sampling) {
                             sent.push_back({messages, sampling});
                         });
        panel.setEngine(true, u"live.moescope"_s);
        present(panel, {320, 700});
    }
    void show() {
        feed.showSnapshot(talk.snapshot());
        settle();
    }
    void type(const QString& text) {
        panel.prompt().setFocus();
        QTest::keyClicks(&panel.prompt(), text);
    }
    QToolButton* tool(TurnView* view, const QString& icon) {
        for (QToolButton* button : view->findChildren<QToolButton*>()) {
            if (button->property("iconName") == icon)
                return button;
        }
        return nullptr;
    }

    Talk talk;
    std::vector<Sent> sent;
    ChatPanel panel;
};

} // namespace

class ChatPanelTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void enterSendsAndTheTextShownIsTheSessions();
    void theWholeConversationGoesDown();
    void stopTakesThePlaceOfSend();
    void regenerateKeepsVariants();
    void editingSendsInPlaceOfTheQuestion();
    void statisticsStayWithTheMessage();
    void pointingAtATokenSelectsIt();
    void aSelectedTokenIsMarked();
    void aReplayIsReadOnly();
    void aNarrowerPanelWrapsItsTurns();
    void theGaugeShowsTheContext();
    void reasoningFolds();
    void thoughtsDoNotParentVariants();
    void theChatFormIsShown();
    void looks();
};

void ChatPanelTest::enterSendsAndTheTextShownIsTheSessions() {
    ChatBench bench;
    bench.show();
    bench.type(u"Tell me a story."_s);
    QTest::keyClick(&bench.panel.prompt(), Qt::Key_Return, Qt::ShiftModifier);
    QVERIFY(bench.sent.empty());
    QTest::keyClick(&bench.panel.prompt(), Qt::Key_Return);
    QCOMPARE(bench.sent.size(), 1U);
    QCOMPARE(bench.sent[0].messages.size(), 1);
    QCOMPARE(bench.sent[0].messages[0].text, u"Tell me a story."_s);
    QVERIFY(bench.panel.prompt().toPlainText().isEmpty());
    QVERIFY(bench.panel.visibleTurns().empty()); // nothing is shown that the session did not say
    bench.talk.ask("Tell me a story.", 20);
    bench.talk.answer(" Once");
    bench.show();
    QCOMPARE(bench.panel.visibleTurns().size(), 1U);
    QCOMPARE(bench.panel.visibleTurns()[0]->answer().toPlainText(), u"Once"_s);
    bench.talk.answer(" upon");
    bench.show();
    QCOMPARE(bench.panel.visibleTurns()[0]->answer().toPlainText(), u"Once upon"_s);
}

void ChatPanelTest::theWholeConversationGoesDown() {
    ChatBench bench;
    bench.panel.sampling().setSystemPrompt(u"Be brief."_s);
    SamplingChoice choice;
    choice.temperature = 0;
    choice.seed = 3;
    choice.maxTokens = 17;
    bench.panel.sampling().setChoice(choice);
    bench.talk.ask("Hello", 10);
    bench.talk.answer(" Hi");
    bench.talk.end();
    bench.show();
    bench.type(u"And now?"_s);
    QTest::keyClick(&bench.panel.prompt(), Qt::Key_Return);
    QCOMPARE(bench.sent.size(), 1U);
    QStringList roles;
    QStringList texts;
    for (const ChatTurn& turn : bench.sent[0].messages) {
        roles << turn.role;
        texts << turn.text;
    }
    QCOMPARE(roles, (QStringList{u"system"_s, u"user"_s, u"assistant"_s, u"user"_s}));
    QCOMPARE(texts, (QStringList{u"Be brief."_s, u"Hello"_s, u"Hi"_s, u"And now?"_s}));
    QCOMPARE(bench.sent[0].sampling.temperature, 0.0);
    QCOMPARE(bench.sent[0].sampling.seed, 3ULL);
    QCOMPARE(bench.sent[0].sampling.maxTokens, 17);
    QTest::keyClick(&bench.panel.prompt(), Qt::Key_Up);
    QCOMPARE(bench.panel.prompt().toPlainText(), u"And now?"_s);
}

void ChatPanelTest::stopTakesThePlaceOfSend() {
    ChatBench bench;
    QSignalSpy stops(&bench.commands, &Commands::stopRequested);
    bench.talk.ask("Hello", 10);
    bench.talk.answer(" Hi");
    bench.show();
    QVERIFY(bench.panel.answering());
    auto* button = bench.panel.findChild<QPushButton*>();
    QCOMPARE(button->text(), u"Stop"_s);
    QTest::mouseClick(button, Qt::LeftButton);
    QCOMPARE(stops.size(), 1);
    QTest::keyClick(&bench.panel.prompt(), Qt::Key_Escape);
    QCOMPARE(stops.size(), 2);
    bench.type(u"too early"_s);
    QTest::keyClick(&bench.panel.prompt(), Qt::Key_Return);
    QVERIFY(bench.sent.empty());
    bench.talk.end(trace::EndReason::Requested);
    bench.show();
    QVERIFY(!bench.panel.answering());
    QCOMPARE(button->text(), u"Send"_s);
    QVERIFY(bench.panel.visibleTurns()[0]->statistics().endsWith(u"stopped"_s));
}

void ChatPanelTest::regenerateKeepsVariants() {
    ChatBench bench;
    bench.talk.ask("Hello", 10);
    bench.talk.answer(" one");
    bench.talk.end();
    bench.show();
    const quint64 seed = bench.panel.sampling().choice().seed;
    QTest::mouseClick(bench.tool(bench.panel.visibleTurns()[0], u"regenerate"_s), Qt::LeftButton);
    QCOMPARE(bench.sent.size(), 1U);
    QCOMPARE(bench.sent[0].messages.size(), 1);
    QCOMPARE(bench.sent[0].sampling.seed, seed + 1);
    bench.talk.ask("Hello", 10);
    bench.talk.answer(" two");
    bench.talk.end();
    bench.show();
    QCOMPARE(bench.panel.visibleTurns().size(), 1U);
    TurnView* second = bench.panel.visibleTurns()[0];
    QCOMPARE(second->answer().toPlainText(), u"two"_s);
    QVERIFY(bench.tool(second, u"chevron-left"_s)->isVisible());
    QTest::mouseClick(bench.tool(second, u"chevron-left"_s), Qt::LeftButton);
    QCOMPARE(bench.panel.visibleTurns()[0]->answer().toPlainText(), u"one"_s);
    QVERIFY(!second->isVisible());
}

void ChatPanelTest::editingSendsInPlaceOfTheQuestion() {
    ChatBench bench;
    bench.talk.ask("Hello", 10);
    bench.talk.answer(" Hi");
    bench.talk.end();
    bench.talk.ask("More", 25);
    bench.talk.answer(" Yes");
    bench.talk.end();
    bench.show();
    QCOMPARE(bench.panel.visibleTurns().size(), 2U);
    QTest::mouseClick(bench.tool(bench.panel.visibleTurns()[1], u"edit"_s), Qt::LeftButton);
    QCOMPARE(bench.panel.prompt().toPlainText(), u"More"_s);
    bench.type(u" please"_s);
    QTest::keyClick(&bench.panel.prompt(), Qt::Key_Return);
    QCOMPARE(bench.sent.size(), 1U);
    QCOMPARE(bench.sent[0].messages.size(), 3);
    QCOMPARE(bench.sent[0].messages.back().text, u"More please"_s);
    bench.talk.ask("More please", 30); // longer than what it replaces: only the panel knows what was meant
    bench.talk.answer(" Of course");
    bench.show();
    QCOMPARE(bench.panel.visibleTurns().size(), 2U);
    QCOMPARE(bench.panel.visibleTurns()[1]->answer().toPlainText(), u"Of course"_s);
}

void ChatPanelTest::statisticsStayWithTheMessage() {
    ChatBench bench;
    bench.talk.ask("Hello", 10);
    bench.talk.answer(" Hi");
    bench.talk.answer(" there");
    bench.talk.end(trace::EndReason::TokenLimit);
    bench.show();
    QCOMPARE(bench.panel.visibleTurns()[0]->statistics(),
             u"200 tok/s · TTFT 5.00 ms · 2 tokens · 1.52 experts · 41.0 MB moved · token limit"_s);
    QTest::mouseClick(bench.tool(bench.panel.visibleTurns()[0], u"copy"_s), Qt::LeftButton);
    QCOMPARE(QGuiApplication::clipboard()->text(), u"Hi there"_s);
}

void ChatPanelTest::pointingAtATokenSelectsIt() {
    ChatBench bench;
    bench.talk.ask("Hello", 10);
    for (const char* token : {" Once", " upon", " a", " time"})
        bench.talk.answer(token);
    bench.talk.end();
    bench.show();
    AnswerView& view = bench.panel.visibleTurns()[0]->answer();
    const TokenSpan span = view.spanOf(trace::TokenIndex(1));
    QCOMPARE(view.toPlainText().sliced(span.begin, span.end - span.begin).trimmed(), u"upon"_s);
    QTextCursor cursor(view.document());
    cursor.setPosition(span.begin + 3);
    const QPoint inside = view.cursorRect(cursor).center();
    QTest::mouseMove(view.viewport(), inside);
    QCOMPARE(bench.selection.hovered().token, std::optional(trace::TokenIndex(1)));
    QTest::mouseClick(view.viewport(), Qt::LeftButton, {}, inside);
    QCOMPARE(bench.selection.chosen().token, std::optional(trace::TokenIndex(1)));
    QTest::mouseMove(view.viewport(), QPoint(view.width() - 2, view.height() - 2));
    QVERIFY(!bench.selection.hovered().token);
    QTest::mouseClick(view.viewport(), Qt::LeftButton, {}, inside);
    QVERIFY(!bench.selection.chosen().token); // a second click lets go
}

void ChatPanelTest::aSelectedTokenIsMarked() {
    ChatBench bench;
    bench.talk.ask("Hello", 10);
    bench.talk.answer(" Once");
    bench.talk.answer(" upon");
    bench.show();
    AnswerView& view = bench.panel.visibleTurns()[0]->answer();
    QVERIFY(view.extraSelections().isEmpty());
    Selection::Target target;
    target.token = trace::TokenIndex(1);
    bench.selection.hover(target);
    QCOMPARE(view.extraSelections().size(), 1);
    QCOMPARE(view.extraSelections()[0].cursor.selectedText().trimmed(), u"upon"_s);
    bench.selection.hover({});
    QVERIFY(view.extraSelections().isEmpty());
}

void ChatPanelTest::aReplayIsReadOnly() {
    ChatBench bench;
    bench.talk.ask("Hello", 10);
    bench.talk.answer(" Hi");
    bench.talk.end();
    QSignalSpy wanted(&bench.panel, &ChatPanel::liveSessionWanted);
    bench.panel.setEngine(true, u"another.moescope"_s);
    bench.show();
    QVERIFY(!bench.panel.answering());
    QVERIFY(!bench.tool(bench.panel.visibleTurns()[0], u"regenerate"_s)->isEnabled());
    bench.type(u"Hi"_s);
    QTest::keyClick(&bench.panel.prompt(), Qt::Key_Return);
    QCOMPARE(wanted.size(), 1);
    QCOMPARE(bench.sent.size(), 1U);
    QCOMPARE(bench.sent[0].messages.size(), 1); // what was said in the replay is no part of the live conversation
    bench.panel.setEngine(false, {});
    QVERIFY(!bench.panel.findChild<QPushButton*>()->isEnabled());
}

void ChatPanelTest::aNarrowerPanelWrapsItsTurns() {
    ChatBench bench;
    bench.panel.resize(500, 600);
    bench.talk.ask("Tell me a long story about a fox, the moon, and how they became friends after all", 0);
    bench.talk.answer("Once upon a time");
    bench.talk.end();
    bench.show();
    bench.panel.resize(260, 600);
    PanelBench::settle();
    const TurnView* turn = bench.panel.visibleTurns().back();
    QVERIFY2(turn->width() <= bench.panel.findChild<QScrollArea*>()->viewport()->width(),
             qPrintable(QString::number(turn->width())));
}

void ChatPanelTest::theGaugeShowsTheContext() {
    ChatBench bench;
    bench.talk.ask("Hello", 100);
    for (int i = 0; i < 28; ++i)
        bench.talk.answer(" word");
    bench.show();
    const auto* gauge = bench.panel.findChild<QProgressBar*>();
    QCOMPARE(gauge->value(), 128);
    QCOMPARE(gauge->maximum(), 512);
    bool said = false;
    for (const LiveLabel* label : bench.panel.findChildren<LiveLabel*>())
        said = said || label->text() == u"context 128 / 512"_s;
    QVERIFY(said);
}

void ChatPanelTest::reasoningFolds() {
    ChatBench bench;
    bench.talk.ask("Hello", 10);
    for (const char* piece : {"<think>", "\nWell", ", a", " greeting", "."})
        bench.talk.answer(piece);
    bench.show();
    TurnView* view = bench.panel.visibleTurns()[0];
    QVERIFY(view->reasoning().isVisible());
    QCOMPARE(view->reasoning().title(), u"Reasoning… (5 tokens)"_s);
    QVERIFY(!view->answer().isVisible());
    for (const char* piece : {"</", "think>", "\n\n", "Hi", " there"})
        bench.talk.answer(piece);
    bench.talk.end();
    bench.show();
    QCOMPARE(view->reasoning().title(), u"Reasoning (7 tokens)"_s);
    QVERIFY(view->reasoning().shownText().isEmpty());
    QCOMPARE(view->answer().toPlainText(), u"Hi there"_s);
    // Tokens are found in what is said, and those of the thoughts nowhere.
    const auto first = bench.feed.snapshot()->turns[0].firstAnswerToken;
    QCOMPARE(view->answer().spanOf(trace::TokenIndex(first.value + 8)).begin, 0);
    QVERIFY(view->answer().spanOf(trace::TokenIndex(first.value + 1)).empty());
    // By keyboard.
    auto* fold = view->reasoning().findChild<QToolButton*>();
    fold->setFocus(Qt::TabFocusReason);
    QTest::keyClick(fold, Qt::Key_Space);
    QVERIFY(view->reasoning().isOpen());
    QCOMPARE(view->reasoning().shownText(), u"Well, a greeting."_s);
    QTest::keyClick(fold, Qt::Key_Space);
    QVERIFY(view->reasoning().shownText().isEmpty());
}

void ChatPanelTest::thoughtsDoNotParentVariants() {
    ChatBench bench;
    bench.panel.setEngine(false, {});
    bench.talk.ask("Hello", 10);
    bench.talk.answer("<think>");
    for (int i = 0; i < 40; ++i)
        bench.talk.answer(" hm");
    bench.talk.answer("</think>");
    bench.talk.answer("Hi");
    bench.talk.end();
    // A replay knows positions only: the thoughts are not in the next prompt, so that it is shorter than the answer was long.
    bench.talk.ask("And now?", 24);
    bench.talk.answer("Now");
    bench.talk.end();
    bench.show();
    QCOMPARE(bench.panel.visibleTurns().size(), 2U);
}

void ChatPanelTest::theChatFormIsShown() {
    ChatBench bench;
    bench.show();
    auto* form = bench.panel.findChild<QLabel*>(u"chatForm"_s);
    QVERIFY(!form->isVisible()); // sessions of older programs do not say it
    bench.talk.saysItsChatForm("ChatML (assumed)");
    bench.show();
    QVERIFY(form->isVisible());
    QCOMPARE(form->text(), u"chat form ChatML, assumed: the model's own template is not known"_s);
}

void ChatPanelTest::looks() {
    ChatBench bench;
    bench.picture(bench.panel, u"chat-empty"_s);
    bench.talk.ask("Tell me a story about a fox and the moon, and let it be a long one with a happy end.", 30);
    for (const char* token : {" Once", " upon", " a", " time", ",", " a **little**", " fox", "\n\n", "- red\n", "- quick\n"})
        bench.talk.answer(token);
    bench.talk.end();
    bench.talk.ask("More", 60);
    bench.talk.answer(" The");
    bench.show();
    Selection::Target target;
    target.token = trace::TokenIndex(3);
    bench.selection.choose(target);
    bench.picture(bench.panel, u"chat"_s);
    for (QToolButton* button : bench.panel.findChildren<QToolButton*>()) {
        if (button->isCheckable())
            button->setChecked(true);
    }
    QVERIFY(bench.panel.sampling().isVisible());
    PanelBench::settle();
    bench.picture(bench.panel, u"chat-sampling"_s);
    bench.talk.saysItsChatForm("ChatML (assumed)");
    bench.talk.ask("And a shorter one?", 170);
    for (const char* piece :
         {"<think>", "Short: one sentence,", " a fox, a moon.", "</think>", "The fox saw the moon and slept."})
        bench.talk.answer(piece);
    bench.talk.end();
    bench.show();
    bench.panel.visibleTurns().back()->reasoning().setOpen(true);
    bench.picture(bench.panel, u"chat-reasoning"_s);
}

QTEST_MAIN(ChatPanelTest)
#include "chat_panel_test.moc"
