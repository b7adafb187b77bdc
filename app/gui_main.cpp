// The desktop application: where window, feed and engine process meet.
#include "app/engine_process.h"
#include "app/gui_options.h"
#include "app/gui_picture.h"
#include "ui/chat/chat_panel.h"
#include "ui/chat/prompt_box.h"
#include "ui/dock_panel.h"
#include "ui/icons.h"
#include "ui/main_window.h"

#include <QApplication>
#include <QDir>
#include <QFileInfo>
#include <QStandardPaths>
#include <QTimer>
#include <cstdio>
#include <optional>
#include <thread>
#include <utility>

using namespace Qt::StringLiterals;
using namespace moescope;

namespace {

ui::Theme::Mode modeOf(const QString& name, ui::Theme::Mode otherwise) {
    if (name == u"light"_s)
        return ui::Theme::Mode::Light;
    if (name == u"dark"_s)
        return ui::Theme::Mode::Dark;
    return name == u"system"_s ? ui::Theme::Mode::System : otherwise;
}

QString beside(const QString& relative) {
    return QDir(QCoreApplication::applicationDirPath()).absoluteFilePath(relative);
}

QString samplesFolder() {
    const QString installed = beside(u"../share/moescope/sample_sessions"_s);
    return QDir(installed).exists() ? installed : QStringLiteral(MOESCOPE_SAMPLES);
}

QString sessionsFolder(const app::GuiOptions& options) {
    if (!options.sessionsFolder.isEmpty())
        return QFileInfo(options.sessionsFolder).absoluteFilePath();
    return QStandardPaths::writableLocation(QStandardPaths::AppDataLocation) + u"/sessions"_s;
}

app::EngineProcess::Options engineOptions(const app::GuiOptions& options) {
    app::EngineProcess::Options engine;
    engine.program = options.engine.isEmpty() ? beside(u"moescope-engine"_s) : options.engine;
    engine.model = options.model.isEmpty() ? QString() : QFileInfo(options.model).absoluteFilePath();
    engine.sessions = sessionsFolder(options);
    engine.settings = options.settings;
    engine.traceLevel = options.traceLevel;
    engine.pmSampling = options.pmSampling;
    engine.hostMemory = options.hostMemory;
    // The window needs a core of its own to stay smooth while the engine decodes.
    const int cores = static_cast<int>(std::thread::hardware_concurrency());
    engine.threads = options.threads > 0 ? options.threads : std::max(1, cores - 1);
    return engine;
}

void connectEngine(app::EngineProcess& engine, ui::MainWindow& window, ui::Commands& commands) {
    using app::EngineProcess;
    using ui::Banner;
    QObject::connect(&engine, &EngineProcess::stateChanged, &window, &ui::MainWindow::setEngine);
    QObject::connect(&engine, &EngineProcess::sessionBegan, &window, &ui::MainWindow::setLiveSession);
    QObject::connect(&engine, &EngineProcess::recordingPaused, &window, &ui::MainWindow::showRecordingPaused);
    QObject::connect(&engine, &EngineProcess::recordingResumed, &window, [&window] { window.banner().dismiss(); });
    QObject::connect(&engine, &EngineProcess::refused, &window,
                     [&window](const QString& sentence) { window.showMessage(Banner::Kind::Warning, sentence); });
    QObject::connect(&engine, &EngineProcess::died, &window, [&window, &commands](const QString& sentence) {
        window.showMessage(Banner::Kind::Failure, sentence, ui::MainWindow::tr("Restart"),
                           [&commands] { Q_EMIT commands.restartRequested(); });
    });
}

void prepare(const app::GuiOptions& options) {
    if (!options.demoPicture.isEmpty()) {
        qputenv("QT_QPA_PLATFORM", "offscreen");
        qputenv("QT_SCALE_FACTOR", QByteArray::number(options.scale));
    }
    QCoreApplication::setApplicationName(u"moescope"_s);
    QCoreApplication::setApplicationVersion(QStringLiteral(MOESCOPE_VERSION));
    QGuiApplication::setApplicationDisplayName(u"Moescope"_s);
    QGuiApplication::setDesktopFileName(u"org.moescope.Moescope"_s);
}

/// The names of the panels if there is none of this name, as one sentence; else it comes to the front.
QString bringToFront(ui::MainWindow& window, const QString& panel) {
    if (panel.isEmpty())
        return {};
    QStringList names;
    for (ui::DockPanel* dock : window.docks().all()) {
        names << dock->objectName();
        if (dock->objectName() != panel)
            continue;
        QTimer::singleShot(0, dock, &ui::DockPanel::focusPanel); // a tab can come to the front only once it is there
        return {};
    }
    return u"There is no panel '%1'; there are %2."_s.arg(panel, names.join(u", "_s));
}

int complain(const QString& sentence) {
    std::fprintf(stderr, "moescope: %s Try moescope --help.\n", qPrintable(sentence));
    return 2;
}

int runPicture(QApplication& application, const app::GuiOptions& options) {
    ui::SettingsStore store(QDir::temp().filePath(u"moescope-picture.ini"_s));
    ui::Theme theme(application);
    theme.setMode(modeOf(options.theme, ui::Theme::Mode::Dark));
    ui::SessionFeed feed;
    ui::Selection selection;
    ui::Commands commands;
    ui::MainWindow window(feed, selection, commands, theme, store);
    window.resize(options.size);
    window.setFolders({}, samplesFolder());
    app::GuiPicture picture(window, feed, options.demoPicture, options.at);
    window.show();
    if (const QString trouble = bringToFront(window, options.panel); !trouble.isEmpty())
        return complain(trouble);
    window.openSession(QFileInfo(options.session).absoluteFilePath());
    return QApplication::exec();
}

/// Sends the question as if it had been typed, the first time that the engine is ready.
void askOnce(app::EngineProcess& engine, ui::MainWindow& window, const QString& question) {
    QObject::connect(&engine, &app::EngineProcess::stateChanged, &window,
                     [&window, question, asked = false](const ui::EngineState& state) mutable {
                         if (state.phase != ui::EngineState::Phase::Ready || std::exchange(asked, true))
                             return;
                         QTimer::singleShot(0, &window, [&window, question] {
                             window.docks().chat().prompt().setPlainText(question);
                             window.docks().chat().send();
                         });
                     });
}

int runWindow(QApplication& application, const app::GuiOptions& options) {
    const bool pictured = !options.demoPicture.isEmpty();
    ui::SettingsStore store(pictured ? QDir::temp().filePath(u"moescope-picture.ini"_s) : QString());
    ui::Theme theme(application);
    theme.setMode(modeOf(options.theme, pictured ? ui::Theme::Mode::Dark : store.themeMode()));
    QApplication::setWindowIcon(QIcon(u":/icons/moescope.svg"_s));
    ui::SessionFeed feed;
    ui::Selection selection;
    ui::Commands commands;
    ui::MainWindow window(feed, selection, commands, theme, store);
    app::EngineProcess engine(engineOptions(options), commands);
    connectEngine(engine, window, commands);
    QDir().mkpath(engine.options().sessions);
    std::optional<app::GuiPicture> picture;
    if (pictured) {
        window.resize(options.size);
        picture.emplace(window, feed, options.demoPicture, -1);
        picture->expectAnswer();
    }
    if (!options.ask.isEmpty())
        askOnce(engine, window, options.ask);
    window.setFolders(engine.options().sessions, samplesFolder());
    window.show();
    if (const QString trouble = bringToFront(window, options.panel); !trouble.isEmpty())
        return complain(trouble);
    if (!options.session.isEmpty())
        window.openSession(QFileInfo(options.session).absoluteFilePath());
    if (!options.noEngine)
        engine.start();
    const int code = QApplication::exec();
    engine.shutDown();
    return code;
}

} // namespace

int main(int argc, char** argv) {
    QStringList arguments;
    for (int i = 0; i < argc; ++i)
        arguments << QString::fromLocal8Bit(argv[i]);
    const app::GuiOptions options = app::parseGuiOptions(arguments);
    if (!options.problem.isEmpty())
        return complain(options.problem);
    prepare(options);
    if (options.version) {
        std::printf("moescope %s\n", MOESCOPE_VERSION);
        return 0;
    }
    if (!options.help.isEmpty()) {
        std::fputs(qPrintable(options.help), stdout);
        return 0;
    }
    QApplication application(argc, argv);
    return options.demoPicture.isEmpty() || !options.ask.isEmpty() ? runWindow(application, options)
                                                                   : runPicture(application, options);
}
