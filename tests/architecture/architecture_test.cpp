// The five laws that a text search can check: what may include what. Link lines enforce most of it; this test explains it.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

struct Include {
    std::string file;   ///< path from the root
    std::string target; ///< what stands between the quotes or brackets
};

std::vector<fs::path> sourceFiles() {
    std::vector<fs::path> files;
    for (const char* folder : {"engine", "profiler", "ui", "app"})
        for (const auto& entry : fs::recursive_directory_iterator(fs::path(MOESCOPE_SOURCE_DIR) / folder))
            if (const auto extension = entry.path().extension().string();
                extension == ".h" || extension == ".cpp" || extension == ".cu" || extension == ".cuh")
                files.push_back(fs::relative(entry.path(), MOESCOPE_SOURCE_DIR));
    return files;
}

std::vector<Include> includesOf(const fs::path& file) {
    static const std::regex pattern(R"(^\s*#\s*include\s*[<"]([^>"]+)[>"])");
    std::vector<Include> includes;
    std::ifstream stream(fs::path(MOESCOPE_SOURCE_DIR) / file);
    for (std::string line; std::getline(stream, line);)
        if (std::smatch match; std::regex_search(line, match, pattern))
            includes.push_back({file.generic_string(), match[1]});
    return includes;
}

std::vector<Include> allIncludes() {
    std::vector<Include> all;
    for (const auto& file : sourceFiles())
        for (auto& include : includesOf(file))
            all.push_back(std::move(include));
    return all;
}

bool startsWith(const std::string& text, const std::string& prefix) {
    return text.rfind(prefix, 0) == 0;
}

int heightOf(const std::string& path) {
    static const std::map<std::string, int> heights{{"engine", 0}, {"profiler", 1}, {"ui", 2}, {"app", 3}};
    const auto found = heights.find(path.substr(0, path.find('/')));
    return found == heights.end() ? -1 : found->second;
}

bool isQt(const std::string& target) {
    return std::regex_match(target, std::regex("(Q[A-Z].*|qcustomplot\\.h|Qt[A-Z].*/.*)"));
}

bool isCuda(const std::string& target) {
    return std::regex_match(target, std::regex("(cuda.*|cublas.*|cupti.*|nvml.*|nvperf.*)"));
}

TEST(Architecture, HasSourcesToCheck) {
    EXPECT_GT(sourceFiles().size(), 50U);
}

TEST(Architecture, NoIncludePointsUpTheArrow) {
    for (const auto& include : allIncludes())
        EXPECT_LE(heightOf(include.target), heightOf(include.file)) << include.file << " includes " << include.target;
}

TEST(Architecture, EngineAndProfilerKnowNoQt) {
    for (const auto& include : allIncludes()) {
        if (heightOf(include.file) <= 1) {
            EXPECT_FALSE(isQt(include.target)) << include.file << " includes " << include.target;
        }
    }
}

TEST(Architecture, CudaStaysInItsTwoFolders) {
    for (const auto& include : allIncludes()) {
        if (!startsWith(include.file, "engine/backend/cuda/") && !startsWith(include.file, "profiler/gpu/")) {
            EXPECT_FALSE(isCuda(include.target)) << include.file << " includes " << include.target;
        }
    }
}

TEST(Architecture, OnlyTheSessionSpeaksSqlite) {
    for (const auto& include : allIncludes()) {
        if (!startsWith(include.file, "profiler/session/")) {
            EXPECT_NE(include.target, "sqlite3.h") << include.file;
        }
    }
}

TEST(Architecture, TheWindowDoesNotKnowTheEngineThatRuns) {
    for (const auto& include : allIncludes()) {
        if (startsWith(include.file, "ui/")) {
            for (const char* hidden : {"engine/runtime/", "engine/backend/", "engine/expert/", "engine/model/"})
                EXPECT_FALSE(startsWith(include.target, hidden)) << include.file << " includes " << include.target;
        }
    }
}

TEST(Architecture, PoliciesArePure) {
    const std::vector<std::string> forbidden{
        "thread", "mutex", "chrono", "fstream", "atomic", "random", "engine/trace/clock.h"};
    for (const auto& include : allIncludes()) {
        if (startsWith(include.file, "engine/policy/") && include.file.find("sensitivities") == std::string::npos) {
            EXPECT_EQ(std::count(forbidden.begin(), forbidden.end(), include.target), 0)
                << include.file << " includes " << include.target;
        }
    }
}

TEST(Architecture, PanelsDoNotKnowEachOther) {
    const auto panelOf = [](const std::string& path) {
        const std::string rest = path.substr(3);
        const auto slash = rest.find('/');
        return slash == std::string::npos ? std::string() : rest.substr(0, slash);
    };
    for (const auto& include : allIncludes()) {
        if (!startsWith(include.file, "ui/") || !startsWith(include.target, "ui/"))
            continue;
        const std::string from = panelOf(include.file), to = panelOf(include.target);
        if (!from.empty() && !to.empty() && to != "plot") {
            EXPECT_EQ(from, to) << include.file << " includes " << include.target;
        }
    }
}

TEST(Architecture, FilesStayReadable) {
    for (const auto& file : sourceFiles()) {
        std::ifstream stream(fs::path(MOESCOPE_SOURCE_DIR) / file);
        const auto lines = std::count(std::istreambuf_iterator<char>(stream), {}, '\n');
        EXPECT_LE(lines, 500) << file;
    }
}

TEST(Architecture, BannedWordsAreNotInNames) {
    static const std::regex banned(R"(\b(class|struct)\s+\w*(Manager|Helper|Util|Common|Misc|Handler|Processor)\w*\b)");
    for (const auto& file : sourceFiles()) {
        std::ifstream stream(fs::path(MOESCOPE_SOURCE_DIR) / file);
        for (std::string line; std::getline(stream, line);)
            EXPECT_FALSE(std::regex_search(line, banned)) << file << ": " << line;
    }
}

} // namespace
