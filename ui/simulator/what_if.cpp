#include "ui/simulator/what_if.h"

#include "ui/words.h"

#include <QCoreApplication>
#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <algorithm>
#include <stdexcept>

using namespace Qt::StringLiterals;

namespace moescope::ui {
namespace {

/// As a shell reads it back.
QString quoted(QString text) {
    const auto plain = [](QChar c) { return c.isLetterOrNumber() || u"-_./:,=+"_s.contains(c); };
    if (!text.isEmpty() && std::all_of(text.cbegin(), text.cend(), plain))
        return text;
    return u'\'' + text.replace(u"'"_s, u"'\\''"_s) + u'\'';
}

} // namespace

simulate::Scenario scenarioOf(const WhatIf& wish) {
    simulate::Scenario scenario;
    for (const simulate::ScenarioSetting& setting : simulate::scenarioSettings()) {
        const QString value = wish.settings.value(QString::fromStdString(setting.name)).trimmed();
        if (!value.isEmpty())
            scenario.set(setting.name, value.toStdString());
    }
    scenario.calibration = QFile::encodeName(wish.calibration.trimmed()).toStdString();
    scenario.idealCopies = wish.idealCopies;
    return scenario;
}

std::vector<simulate::SweepAxis> axesOf(const WhatIf& wish) {
    std::vector<simulate::SweepAxis> axes;
    for (const SweepWish& axis : wish.axes) {
        if (axis.setting.isEmpty())
            continue;
        axes.push_back(simulate::parseSweep((axis.setting + u'=' + axis.values.simplified().remove(u' ')).toStdString()));
    }
    if (axes.empty())
        throw std::invalid_argument(words("Choose a setting to sweep over.").toStdString());
    if (axes.size() == 2 && axes[0].setting == axes[1].setting)
        throw std::invalid_argument(words("Both axes of the sweep are the same setting.").toStdString());
    return axes;
}

QString problemOf(const WhatIf& wish, bool sweep) {
    try {
        scenarioOf(wish);
        if (sweep)
            axesOf(wish);
        return {};
    } catch (const std::invalid_argument& refusal) {
        return QString::fromUtf8(refusal.what());
    }
}

WhatIf atPoint(WhatIf wish, const std::vector<simulate::SweepAxis>& axes, const std::vector<std::string>& values) {
    for (std::size_t i = 0; i < axes.size() && i < values.size(); ++i)
        wish.settings[QString::fromStdString(axes[i].setting)] = QString::fromStdString(values[i]);
    return wish;
}

SweepWish proposedSweep(const session::SessionInfo& info) {
    const int all = info.model.layers * info.model.experts;
    const int step = std::max(1, all / 8);
    return {u"cache-experts"_s, u"%1:%2:%1"_s.arg(step).arg(std::max(step, all))};
}

QString recordedValue(const session::SessionInfo* info, const QString& setting) {
    const std::string name = setting.toStdString();
    if (info)
        for (const auto& [known, value] : info->settings)
            if (known == name)
                return QString::fromStdString(value);
    for (const simulate::ScenarioSetting& known : simulate::scenarioSettings())
        if (known.name == name)
            return QString::fromStdString(known.standard);
    return {};
}

QString commandLine(const WhatIf& wish, const QString& session, bool sweep) {
    QStringList parts{u"moescope-engine simulate"_s, quoted(session)};
    const auto swept = [&](const QString& name) {
        return sweep && (wish.axes[0].setting == name || wish.axes[1].setting == name);
    };
    for (const simulate::ScenarioSetting& setting : simulate::scenarioSettings()) {
        const QString name = QString::fromStdString(setting.name);
        if (const QString value = wish.settings.value(name).trimmed(); !value.isEmpty() && !swept(name))
            parts << u"--%1 %2"_s.arg(name, quoted(value));
    }
    if (!wish.calibration.trimmed().isEmpty())
        parts << u"--calibration "_s + quoted(wish.calibration.trimmed());
    if (wish.idealCopies)
        parts << u"--ideal-copies"_s;
    for (const SweepWish& axis : wish.axes)
        if (sweep && !axis.setting.isEmpty())
            parts << u"--sweep "_s + quoted(axis.setting + u'=' + axis.values.simplified().remove(u' '));
    return parts.join(u' ');
}

QString freshFile(const QString& folder, const QString& session) {
    const QString base = QDir(folder).filePath(QFileInfo(session).completeBaseName() + u"_simulated"_s);
    QString path = base + u".moescope"_s;
    for (int again = 2; QFileInfo::exists(path); ++again)
        path = u"%1_%2.moescope"_s.arg(base).arg(again);
    return path;
}

} // namespace moescope::ui
