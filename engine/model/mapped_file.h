#pragma once
#include <cstddef>
#include <filesystem>
#include <span>

namespace moescope::model {

/// A whole file mapped read-only for as long as the object lives. Owned by GgufFile; the bytes may be read by any thread.
/// A file that another program shortens while it is mapped ends this process with SIGBUS, as with every mapping.
class MappedFile {
public:
    /// Throws std::runtime_error with one sentence naming the file and the system's reason.
    explicit MappedFile(const std::filesystem::path& path);
    ~MappedFile();
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;

    std::span<const std::byte> bytes() const { return m_bytes; }

private:
    std::span<const std::byte> m_bytes;
};

} // namespace moescope::model
