#include "app/gui_picture.h"

#include "ui/main_window.h"
#include "ui/session_feed.h"

#include <QCoreApplication>
#include <QPixmap>
#include <cstdio>

namespace moescope::app {

namespace {
constexpr int kSettleMs = 700;
constexpr int kPatienceMs = 60'000;
constexpr int kAnswerPatienceMs = 240'000; // a model may have to be loaded first
constexpr int kAnswerTokens = 40;          // of an answer that is still growing
constexpr int kPaintMs = 400;
} // namespace

GuiPicture::GuiPicture(ui::MainWindow& window, ui::SessionFeed& feed, const QString& path, double at)
    : m_window(window), m_feed(feed), m_path(path), m_at(at) {
    m_settle.setSingleShot(true);
    m_settle.setInterval(kSettleMs);
    m_patience.setSingleShot(true);
    connect(&feed, &ui::SessionFeed::snapshotChanged, this, &GuiPicture::arrived);
    connect(&feed, &ui::SessionFeed::timelineReady, this, [this] {
        if (m_settle.isActive() && !m_answer)
            m_settle.start();
    });
    connect(&feed, &ui::SessionFeed::failed, this, [](const QString& sentence) {
        std::fprintf(stderr, "moescope: %s\n", qPrintable(sentence));
        QCoreApplication::exit(1);
    });
    connect(&m_settle, &QTimer::timeout, this, &GuiPicture::take);
    connect(&m_patience, &QTimer::timeout, this, &GuiPicture::take);
    m_patience.start(kPatienceMs);
}

void GuiPicture::expectAnswer() {
    m_answer = true;
    m_patience.start(kAnswerPatienceMs);
}

bool GuiPicture::answerGrown() const {
    const auto& turns = m_feed.snapshot()->turns;
    return !turns.empty() && (turns.back().answerTokens >= kAnswerTokens || turns.back().ended >= 0);
}

void GuiPicture::arrived() {
    const auto snapshot = m_feed.snapshot();
    if (m_answer) {
        if (!m_settle.isActive() && answerGrown())
            m_settle.start(kPaintMs);
        return;
    }
    if (!m_sought && m_at >= 0 && snapshot->atEnd) {
        m_sought = true;
        m_feed.seekTime(static_cast<trace::TimeNs>(static_cast<double>(snapshot->sessionEnd) * m_at));
        return;
    }
    if (m_at >= 0 ? m_sought : snapshot->atEnd)
        m_settle.start();
}

void GuiPicture::take() {
    if (!m_window.grab().save(m_path)) {
        std::fprintf(stderr, "moescope: %s could not be written.\n", qPrintable(m_path));
        QCoreApplication::exit(1);
        return;
    }
    QCoreApplication::exit(0);
}

} // namespace moescope::app
