#include "engine/model/mapped_file.h"

#include "engine/model/model_error.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace moescope::model {
namespace {

[[noreturn]] void failWithErrno(const std::filesystem::path& path, int error) {
    refuse(path.string(), std::generic_category().message(error));
}

class Descriptor {
public:
    explicit Descriptor(const std::filesystem::path& path) : m_fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
        if (m_fd < 0)
            failWithErrno(path, errno);
    }
    ~Descriptor() { ::close(m_fd); }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const { return m_fd; }

private:
    int m_fd;
};

// Reading ahead a file that does not fit into memory would push out pages that are in use.
bool fitsInMemoryEasily(std::size_t bytes) {
    const long pages = ::sysconf(_SC_PHYS_PAGES);
    const long pageBytes = ::sysconf(_SC_PAGESIZE);
    if (pages <= 0 || pageBytes <= 0)
        return false;
    return bytes / static_cast<std::size_t>(pageBytes) < static_cast<std::size_t>(pages) / 4;
}

} // namespace

MappedFile::MappedFile(const std::filesystem::path& path) {
    const Descriptor file(path);
    struct stat status {};
    if (::fstat(file.get(), &status) != 0)
        failWithErrno(path, errno);
    if (!S_ISREG(status.st_mode))
        refuse(path.string(), "it is not a regular file");
    if (status.st_size == 0)
        refuse(path.string(), "the file is empty");
    const auto size = static_cast<std::size_t>(status.st_size);
    void* start = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
    if (start == MAP_FAILED)
        failWithErrno(path, errno);
    m_bytes = {static_cast<const std::byte*>(start), size};
    ::madvise(start, size, fitsInMemoryEasily(size) ? MADV_WILLNEED : MADV_NORMAL);
}

MappedFile::~MappedFile() {
    ::munmap(const_cast<std::byte*>(m_bytes.data()), m_bytes.size());
}

} // namespace moescope::model
