#include "app/bench_plot.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <spawn.h>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

namespace moescope::app {

namespace {

/// In double quotes gnuplot reads backslashes and quotes.
std::string quoted(const std::string& text) {
    std::string result = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\')
            result += '\\';
        result += c;
    }
    return result + '"';
}

std::string lineData(const Plot& plot) {
    std::string text;
    for (std::size_t i = 0; i < plot.series.size(); ++i) {
        text += fmt::format("$s{} << END\n", i);
        for (const auto& [x, y] : plot.series[i].points)
            text += fmt::format("{:.6g} {:.6g}\n", x, y);
        text += "END\n";
    }
    return text;
}

std::string barData(const Plot& plot) {
    std::string text = "$bars << END\n";
    for (std::size_t row = 0; row < plot.barNames.size(); ++row) {
        text += quoted(plot.barNames[row]);
        for (const PlotSeries& series : plot.series)
            text += row < series.points.size() ? fmt::format(" {:.6g}", series.points[row].second) : " NaN";
        text += '\n';
    }
    return text + "END\n";
}

std::string plotCommand(const Plot& plot) {
    std::string text = "plot ";
    const bool bars = !plot.barNames.empty();
    for (std::size_t i = 0; i < plot.series.size(); ++i) {
        text += i > 0 ? ", \\\n     " : "";
        if (bars)
            text += fmt::format("$bars using {}:xtic(1) title {}", i + 2, quoted(plot.series[i].title));
        else
            text += fmt::format("$s{} using 1:2 with linespoints lw 2 pt {} title {}", i, i + 4, quoted(plot.series[i].title));
    }
    for (const PlotMark& mark : plot.marks)
        text += fmt::format(", \\\n     {:.6g} with lines dt 2 lc rgb \"gray40\" title {}", mark.y, quoted(mark.title));
    return text + '\n';
}

/// The child's exit code; -1 if it could not be started.
int runGnuplot(const std::filesystem::path& folder, const std::string& script) {
    std::string program = "gnuplot";
    std::string file = script;
    char* arguments[] = {program.data(), file.data(), nullptr};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    pid_t child = -1;
    const int problem = posix_spawnp(&child, program.c_str(), &actions, nullptr, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (problem != 0)
        return -1;
    int status = 0;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

} // namespace

std::string gnuplotScript(const Plot& plot) {
    const bool bars = !plot.barNames.empty();
    std::string text = fmt::format("set terminal pngcairo size 960,560 font \"sans,11\"\nset output {}\nset title {}\n"
                                   "set xlabel {}\nset ylabel {}\nset grid\nset key outside right noenhanced\n",
                                   quoted(plot.stem + ".png"), quoted(plot.title), quoted(plot.xLabel), quoted(plot.yLabel));
    if (bars)
        text += "set style data histograms\nset style histogram clustered gap 1\nset style fill solid 0.8\nset yrange [0:*]\n"
                "set xtics noenhanced rotate by -30\n";
    return text + (bars ? barData(plot) : lineData(plot)) + plotCommand(plot);
}

bool drawPlots(const std::filesystem::path& folder, const std::vector<Plot>& plots) {
    bool drawn = true;
    for (const Plot& plot : plots) {
        const std::string name = plot.stem + ".gp";
        std::ofstream script(folder / name, std::ios::binary);
        script << gnuplotScript(plot);
        script.close();
        if (!script)
            throw std::runtime_error(fmt::format("The file {} cannot be written.", (folder / name).string()));
        drawn = runGnuplot(folder, name) == 0 && drawn;
    }
    return drawn;
}

} // namespace moescope::app
