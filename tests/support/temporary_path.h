#pragma once
#include <filesystem>
#include <random>
#include <string>

namespace moescope::tests {

/// A folder of its own that goes away with the object.
class TemporaryPath {
public:
    TemporaryPath() {
        std::random_device random;
        m_folder = std::filesystem::temp_directory_path() / ("moescope_test_" + std::to_string(random()));
        std::filesystem::create_directories(m_folder);
    }
    ~TemporaryPath() {
        std::error_code ignored;
        std::filesystem::remove_all(m_folder, ignored);
    }
    TemporaryPath(const TemporaryPath&) = delete;
    TemporaryPath& operator=(const TemporaryPath&) = delete;
    std::filesystem::path operator/(const std::string& name) const { return m_folder / name; }
    const std::filesystem::path& folder() const { return m_folder; }

private:
    std::filesystem::path m_folder;
};

} // namespace moescope::tests
