#pragma once
#include "app/quality.h"

#include <filesystem>
#include <fstream>

namespace moescope::app {

/// What makes two measurements the same one: models, text, settings, mode, windows. One line of JSON.
std::string measurementIdentity(const QualityMeter& meter, const std::string& text);

/// The finished windows of a measurement, in a file beside its output, so that it can be interrupted and continued: a line that
/// says which measurement it is, then one line of JSON per window. Numbers keep all their digits: the continued measurement has
/// the result of one in a single go. One thread.
class QualityState {
public:
    /// Reads what is there, or begins the file. A last line that was cut off is dropped. Throws std::runtime_error with one
    /// sentence if the file cannot be used or is of another measurement.
    QualityState(std::filesystem::path path, const std::string& identity, std::size_t settings);

    /// Windows found in the file, each with one score per setting; they are given away.
    std::vector<std::vector<WindowScore>> takeDone() { return std::move(m_done); }
    void append(const std::vector<WindowScore>& scores);
    /// The measurement is complete and written elsewhere.
    void remove();

private:
    void readBack(const std::string& identity, std::size_t settings);
    std::filesystem::path m_path;
    std::vector<std::vector<WindowScore>> m_done;
    std::ofstream m_file;
};

} // namespace moescope::app
