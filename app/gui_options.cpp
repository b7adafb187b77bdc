#include "app/gui_options.h"

#include <QCommandLineParser>

using namespace Qt::StringLiterals;

namespace moescope::app {

namespace {

QSize sizeFrom(const QString& text) {
    const QStringList parts = text.split(u'x');
    return parts.size() == 2 ? QSize(parts[0].toInt(), parts[1].toInt()) : QSize();
}

void readNumbers(const QCommandLineParser& parser, GuiOptions& options) {
    options.size = sizeFrom(parser.value(u"size"_s));
    if (options.size.width() < 400 || options.size.height() < 300 || options.size.width() > 8000 ||
        options.size.height() > 8000)
        options.problem = u"--size wants WIDTHxHEIGHT, from 400x300 to 8000x8000, not '%1'."_s.arg(parser.value(u"size"_s));
    options.scale = parser.value(u"scale"_s).toDouble();
    if (!(options.scale >= 0.5 && options.scale <= 4))
        options.problem = u"--scale wants a number from 0.5 to 4, not '%1'."_s.arg(parser.value(u"scale"_s));
    bool whole = true;
    options.threads = parser.value(u"threads"_s).toInt(&whole);
    if (!whole || options.threads < 0)
        options.problem = u"--threads wants a whole number, 0 or more, not '%1'."_s.arg(parser.value(u"threads"_s));
    options.traceLevel = parser.value(u"trace-level"_s).toInt(&whole);
    if (!whole || options.traceLevel < 0 || options.traceLevel > 3)
        options.problem = u"--trace-level wants a whole number from 0 to 3, not '%1'."_s.arg(parser.value(u"trace-level"_s));
    if (parser.isSet(u"at"_s)) {
        bool number = true;
        options.at = parser.value(u"at"_s).toDouble(&number);
        if (!number || !(options.at >= 0 && options.at <= 1))
            options.problem = u"--at wants a number from 0 to 1, not '%1'."_s.arg(parser.value(u"at"_s));
    }
}

} // namespace

GuiOptions parseGuiOptions(const QStringList& arguments) {
    QCommandLineParser parser;
    parser.setApplicationDescription(
        u"Chat with a Mixture-of-Experts model and watch every expert that moves.\n\n"
        "Without arguments the bundled model is loaded by an engine process and every run is kept as a session.\n"
        "  moescope FILE.moescope          replay a session\n"
        "  moescope --model FILE.gguf      chat with another model"_s);
    parser.addHelpOption();
    parser.addOption({{u"v"_s, u"version"_s}, u"Print the version and exit."_s});
    parser.addOption({u"session"_s, u"Open this session; a live one is followed."_s, u"FILE"_s});
    parser.addOption({u"model"_s, u"Load this GGUF model instead of the bundled one."_s, u"FILE"_s});
    parser.addOption({u"engine"_s, u"The engine program; default: moescope-engine beside this one."_s, u"PATH"_s});
    parser.addOption({u"no-engine"_s, u"Start no engine: replay only."_s});
    parser.addOption({u"threads"_s, u"Threads of the engine; 0 leaves one core to the window."_s, u"N"_s, u"0"_s});
    parser.addOption({u"ask"_s, u"Send this question once the engine is ready."_s, u"TEXT"_s});
    parser.addOption(
        {u"set"_s, u"Start the engine with this setting; may be given again. Example: cache-experts=32"_s, u"NAME=VALUE"_s});
    parser.addOption({u"trace-level"_s,
                      u"What the engine records of the GPU: 0 nothing, 1 copies, 2 also waits, 3 also every kernel."_s,
                      u"LEVEL"_s, u"0"_s});
    parser.addOption({u"pm-sampling"_s, u"Also read the GPU's counters every millisecond."_s});
    parser.addOption({u"host-memory"_s, u"Where experts wait for the GPU: pinned, mapped or pageable."_s, u"KIND"_s});
    parser.addOption({u"sessions"_s, u"Folder that sessions are kept in."_s, u"FOLDER"_s});
    parser.addOption({u"panel"_s, u"Show this panel in front: chat, experts, timeline, simulator and so on."_s, u"NAME"_s});
    parser.addOption({u"theme"_s, u"light, dark or system."_s, u"NAME"_s});
    parser.addOption(
        {u"demo-picture"_s,
         u"Draw the window with the session, or with the running answer to --ask, to this PNG, without a display, and exit."_s,
         u"PNG"_s});
    parser.addOption({u"size"_s, u"Size of the picture."_s, u"WxH"_s, u"1440x900"_s});
    parser.addOption({u"scale"_s, u"Device pixels per pixel of the picture."_s, u"X"_s, u"1"_s});
    parser.addOption({u"at"_s, u"The picture shows the session at this share of its time, 0 to 1."_s, u"SHARE"_s});
    parser.addPositionalArgument(u"FILE"_s, u"A session or a model to open."_s, u"[FILE]"_s);

    GuiOptions options;
    if (!parser.parse(arguments)) {
        options.problem = parser.errorText() + u'.';
        return options;
    }
    options.version = parser.isSet(u"version"_s);
    if (parser.isSet(u"help"_s))
        options.help = parser.helpText().replace(u"<executable_name>"_s, u"moescope"_s); // Qt knows it only later
    options.session = parser.value(u"session"_s);
    options.model = parser.value(u"model"_s);
    options.engine = parser.value(u"engine"_s);
    options.noEngine = parser.isSet(u"no-engine"_s);
    for (const QString& setting : parser.values(u"set"_s)) {
        if (!setting.contains(u'='))
            options.problem = u"--set wants NAME=VALUE, not '%1'."_s.arg(setting);
        options.settings[setting.section(u'=', 0, 0)] = setting.section(u'=', 1);
    }
    options.ask = parser.value(u"ask"_s);
    options.hostMemory = parser.value(u"host-memory"_s);
    options.pmSampling = parser.isSet(u"pm-sampling"_s);
    options.sessionsFolder = parser.value(u"sessions"_s);
    options.panel = parser.value(u"panel"_s).toLower();
    options.theme = parser.value(u"theme"_s);
    options.demoPicture = parser.value(u"demo-picture"_s);
    for (const QString& file : parser.positionalArguments())
        (file.endsWith(u".gguf"_s, Qt::CaseInsensitive) ? options.model : options.session) = file;
    if (!options.theme.isEmpty() && !QStringList{u"light"_s, u"dark"_s, u"system"_s}.contains(options.theme))
        options.problem = u"--theme wants light, dark or system, not '%1'."_s.arg(options.theme);
    if (!options.demoPicture.isEmpty() && options.session.isEmpty() && options.ask.isEmpty())
        options.problem = u"--demo-picture wants a session to draw: add --session FILE."_s;
    if (!options.hostMemory.isEmpty() && !QStringList{u"pinned"_s, u"mapped"_s, u"pageable"_s}.contains(options.hostMemory))
        options.problem = u"--host-memory wants pinned, mapped or pageable, not '%1'."_s.arg(options.hostMemory);
    readNumbers(parser, options);
    return options;
}

} // namespace moescope::app
