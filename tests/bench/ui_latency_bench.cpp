// The window under load: a real engine decodes at full speed on one thread while the window is shown offscreen with all panels.
// Prints repaints a second, the longest time the event loop was blocked, and how long a sampled token takes to become
// visible. Run by hand: ./run bench-ui [seconds]. No pass or fail: figures belong with the machine they were taken on.
#include "app/engine_process.h"
#include "ui/chat/answer_view.h"
#include "ui/chat/chat_panel.h"
#include "ui/chat/turn_view.h"
#include "ui/dock_panel.h"
#include "ui/main_window.h"

#include <CLI/CLI.hpp>

#include <QApplication>
#include <QDir>
#include <QElapsedTimer>
#include <QTemporaryDir>
#include <QTimer>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <thread>
#include <vector>

using namespace Qt::StringLiterals;
using namespace moescope;

namespace {

using TimeNs = trace::TimeNs;

TimeNs monotonic() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double percentile(std::vector<double> values, double share) {
    if (values.empty())
        return 0;
    std::sort(values.begin(), values.end());
    return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

/// Counts paint events of the window and of each dock, and notes when a paint is over.
class PaintWatch : public QObject {
public:
    using QObject::QObject;
    std::map<QString, int> counts;
    TimeNs lastPaint = 0;

protected:
    bool eventFilter(QObject* watched, QEvent* event) override {
        if (event->type() == QEvent::UpdateRequest)
            ++counts[u"window"_s];
        if (event->type() == QEvent::Paint) {
            if (auto* widget = qobject_cast<QWidget*>(watched)) {
                for (QWidget* up = widget; up; up = up->parentWidget()) {
                    if (auto* dock = qobject_cast<ui::DockPanel*>(up)) {
                        m_painted.insert(dock->objectName());
                        break;
                    }
                }
            }
            lastPaint = monotonic();
        }
        return false;
    }

public:
    /// One round of painting is over: every dock that took part counts once.
    void endRound() {
        for (const QString& name : std::as_const(m_painted))
            ++counts[name];
        m_painted.clear();
    }

private:
    QSet<QString> m_painted;
};

/// Gaps between beats of a 1 ms timer: what blocks the event loop.
class Heartbeat : public QObject {
public:
    explicit Heartbeat(QObject* parent) : QObject(parent) {
        m_timer.setTimerType(Qt::PreciseTimer);
        connect(&m_timer, &QTimer::timeout, this, [this] {
            const TimeNs now = monotonic();
            if (m_last > 0)
                gaps.push_back(static_cast<double>(now - m_last) / 1e6);
            m_last = now;
        });
        m_timer.start(1);
    }
    std::vector<double> gaps;
    void forget() {
        gaps.clear();
        m_last = 0;
    }

private:
    QTimer m_timer;
    TimeNs m_last = 0;
};

class Bench : public QObject {
public:
    Bench(int seconds, QString pictures, QApplication& application)
        : m_seconds(seconds), m_pictures(std::move(pictures)), m_theme(application),
          m_store(m_folder.filePath(u"settings.ini"_s)), m_window(m_feed, m_selection, m_commands, m_theme, m_store),
          m_engine(options(), m_commands), m_beat(this) {
        m_theme.setMode(ui::Theme::Mode::Dark);
        connect(&m_engine, &app::EngineProcess::stateChanged, &m_window, &ui::MainWindow::setEngine);
        connect(&m_engine, &app::EngineProcess::sessionBegan, &m_window, &ui::MainWindow::setLiveSession);
        connect(&m_engine, &app::EngineProcess::died, this, [](const QString& why) {
            std::fprintf(stderr, "%s\n", qPrintable(why));
            QCoreApplication::exit(1);
        });
        connect(&m_engine, &app::EngineProcess::refused, this,
                [](const QString& why) { std::fprintf(stderr, "%s\n", qPrintable(why)); });
        connect(&m_engine, &app::EngineProcess::stateChanged, this, [this](const ui::EngineState& state) {
            if (state.phase == ui::EngineState::Phase::Ready)
                QTimer::singleShot(500, this, [this] { begin(); });
        });
        connect(&m_feed, &ui::SessionFeed::snapshotChanged, this, [this] { arrived(); });
        application.installEventFilter(&m_paints);
        m_window.resize(1440, 900);
        m_window.show();
        m_engine.start();
    }

private:
    app::EngineProcess::Options options() {
        app::EngineProcess::Options options;
        options.program = QStringLiteral(MOESCOPE_ENGINE);
        options.model = QStringLiteral(MOESCOPE_SOURCE_DIR) + u"/resources/model/model-q8_0.gguf"_s;
        options.sessions = m_folder.path();
        options.threads = 1;
        return options;
    }

    void ask() {
        ui::SamplingChoice sampling;
        sampling.maxTokens = 400;
        sampling.seed = static_cast<quint64>(m_asked);
        m_sentAt[m_asked++] = monotonic();
        Q_EMIT m_commands.promptSubmitted({{u"user"_s, u"Tell me a long story about a fox and the moon."_s}}, sampling);
    }

    void begin() {
        if (m_running)
            return;
        m_running = true;
        ask();
        // The first answer warms caches and fonts; then everything counts.
        QTimer::singleShot(2000, this, [this] {
            m_beat.forget();
            m_paints.counts.clear();
            m_since = monotonic();
            m_tokensBefore = m_feed.snapshot()->summary.tokens;
            m_snapshots = 0;
            QTimer::singleShot(m_seconds * 1000, this, [this] { finish(); });
        });
    }

    void arrived() {
        const auto snapshot = m_feed.snapshot();
        ++m_snapshots;
        const TimeNs now = monotonic();
        for (; m_seenTokens < snapshot->tokens.size(); ++m_seenTokens) {
            const auto& token = snapshot->tokens[m_seenTokens];
            if (m_since > 0 && token.role == analysis::TokenRole::Generated)
                m_waiting.push_back({token.at, now});
        }
        // Painting follows from the event loop once the panels have heard of the snapshot.
        QTimer::singleShot(0, this, [this] { painted(); });
        if (m_running && m_since >= 0 && !snapshot->turns.empty() && snapshot->turns.back().ended >= 0 &&
            static_cast<int>(snapshot->turns.size()) == m_asked)
            ask();
    }

    void painted() {
        m_paints.endRound();
        const auto turns = m_window.docks().chat().visibleTurns();
        if (turns.empty() || m_paints.lastPaint == 0)
            return;
        // Visible: the chat holds the text and a paint has been finished since it heard of it.
        std::erase_if(m_waiting, [this](const Waiting& token) {
            if (m_paints.lastPaint < token.published)
                return false;
            m_visible.push_back({token.at, token.published, m_paints.lastPaint});
            return true;
        });
        if (!m_waiting.empty())
            QTimer::singleShot(1, this, [this] { painted(); });
    }

    /// Where the session's clock began on ours: an event cannot come before the command that caused it, so no origin may be
    /// earlier than sending minus the event's time; the latest such bound is short of the truth by the quickest trip down
    /// the pipe, and latencies come out that much too long.
    TimeNs origin() const {
        TimeNs bound = 0;
        const auto snapshot = m_feed.snapshot();
        for (std::size_t i = 0; i < snapshot->turns.size(); ++i) {
            if (const auto sent = m_sentAt.find(static_cast<int>(i)); sent != m_sentAt.end())
                bound =
                    i == 0 ? sent->second - snapshot->turns[i].began : std::max(bound, sent->second - snapshot->turns[i].began);
        }
        return bound;
    }

    void finish() {
        const double seconds = static_cast<double>(monotonic() - m_since) / 1e9;
        const auto snapshot = m_feed.snapshot();
        const TimeNs zero = origin();
        std::vector<double> published;
        std::vector<double> visible;
        for (const Visible& token : m_visible) {
            published.push_back(static_cast<double>(token.published - token.at - zero) / 1e6);
            visible.push_back(static_cast<double>(token.shown - token.at - zero) / 1e6);
        }
        std::printf("cores                       %u\n", std::thread::hardware_concurrency());
        std::printf("decode                      %.0f tok/s on 1 thread, %lld tokens in %.1f s\n",
                    static_cast<double>(snapshot->summary.tokens - m_tokensBefore) / seconds,
                    static_cast<long long>(snapshot->summary.tokens - m_tokensBefore), seconds);
        std::printf("snapshots                   %.1f /s\n", m_snapshots / seconds);
        for (const auto& [name, count] : m_paints.counts)
            std::printf("repaints of %-15s %.1f /s\n", qPrintable(name), count / seconds);
        std::printf("event loop blocked          longest %.1f ms, p99 %.1f ms\n", percentile(m_beat.gaps, 1),
                    percentile(m_beat.gaps, 0.99));
        std::printf("sampled -> panels told      p50 %.1f ms, p99 %.1f ms, longest %.1f ms\n", percentile(published, 0.5),
                    percentile(published, 0.99), percentile(published, 1));
        std::printf("sampled -> visible          p50 %.1f ms, p99 %.1f ms, longest %.1f ms (%zu tokens)\n",
                    percentile(visible, 0.5), percentile(visible, 0.99), percentile(visible, 1), visible.size());
        std::fflush(stdout);
        if (!m_pictures.isEmpty())
            takePictures();
        m_running = false;
        m_engine.shutDown();
        QCoreApplication::exit(0);
    }

    /// Every panel and the window, live, in both themes; the window in the smallest size too.
    void takePictures() {
        QDir().mkpath(m_pictures);
        const auto save = [this](QWidget& widget, const QString& name) {
            pass(300);
            widget.grab().save(u"%1/%2-live-%3.png"_s.arg(m_pictures, name, m_theme.dark() ? u"dark"_s : u"light"_s));
        };
        for (const auto mode : {ui::Theme::Mode::Dark, ui::Theme::Mode::Light}) {
            m_theme.setMode(mode);
            for (auto* dock : m_window.findChildren<ui::DockPanel*>()) {
                dock->raise();
                save(*dock, dock->objectName());
            }
            for (const QSize& size : {QSize(1280, 800), QSize(1440, 900)}) {
                m_window.resize(size);
                save(m_window, u"window-%1"_s.arg(size.width()));
            }
        }
    }

    static void pass(int milliseconds) {
        QElapsedTimer timer;
        timer.start();
        while (timer.elapsed() < milliseconds)
            QCoreApplication::processEvents(QEventLoop::WaitForMoreEvents | QEventLoop::AllEvents, 10);
    }

    struct Waiting {
        TimeNs at = 0;
        TimeNs published = 0;
    };
    struct Visible {
        TimeNs at = 0;
        TimeNs published = 0;
        TimeNs shown = 0;
    };

    int m_seconds;
    QString m_pictures; ///< folder for pictures, or empty
    QTemporaryDir m_folder;
    ui::Theme m_theme;
    ui::SettingsStore m_store;
    ui::SessionFeed m_feed;
    ui::Selection m_selection;
    ui::Commands m_commands;
    ui::MainWindow m_window;
    app::EngineProcess m_engine;
    PaintWatch m_paints;
    Heartbeat m_beat;
    std::map<int, TimeNs> m_sentAt;
    std::vector<Waiting> m_waiting;
    std::vector<Visible> m_visible;
    std::size_t m_seenTokens = 0;
    std::int64_t m_tokensBefore = 0;
    TimeNs m_since = 0;
    int m_asked = 0;
    int m_snapshots = 0;
    bool m_running = false;
};

} // namespace

int main(int argc, char** argv) {
    if (qEnvironmentVariableIsEmpty("QT_QPA_PLATFORM"))
        qputenv("QT_QPA_PLATFORM", "offscreen");
    int seconds = 10;
    CLI::App options("Repaints, blocks and latencies of the window while an engine decodes at full speed.");
    options.add_option("seconds", seconds, "how long to measure")->check(CLI::Range(1, 3600))->capture_default_str();
    std::string pictures;
    options.add_option("--pictures", pictures, "afterwards, draw all panels with the engine still running into this folder");
    CLI11_PARSE(options, argc, argv);
    QApplication application(argc, argv);
    Bench bench(seconds, QString::fromStdString(pictures), application);
    return QApplication::exec();
}
