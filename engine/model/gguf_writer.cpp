#include "engine/model/gguf_writer.h"

#include <fmt/format.h>

#include <cerrno>
#include <fcntl.h>
#include <stdexcept>
#include <sys/statvfs.h>
#include <system_error>
#include <unistd.h>

namespace moescope::model {
namespace {

std::int64_t tensorBytes(const GgufPlan& plan) {
    std::int64_t bytes = 0;
    for (const PlannedTensor& tensor : plan.tensors())
        bytes += tensor.bytes();
    return bytes;
}

} // namespace

GgufWriter::GgufWriter(std::filesystem::path path, GgufPlan plan)
    : m_path(std::move(path)), m_part(m_path.string() + ".part"), m_plan(std::move(plan)) {
    m_file = ::open(m_part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (m_file < 0)
        fail(errno);
    try {
        reserve();
        const std::vector<std::byte> header = m_plan.header();
        m_dataStart = static_cast<std::int64_t>(header.size());
        writeAt(0, header);
    } catch (...) {
        discard();
        throw;
    }
}

GgufWriter::~GgufWriter() {
    discard();
}

void GgufWriter::write(std::size_t index, std::int64_t at, std::span<const std::byte> bytes) {
    const auto& tensors = m_plan.tensors();
    const auto count = static_cast<std::int64_t>(bytes.size());
    if (index >= tensors.size() || at < 0 || at + count > tensors[index].bytes())
        throw std::invalid_argument("These bytes lie outside the tensor.");
    writeAt(m_dataStart + tensors[index].offset + at, bytes);
    m_written += count;
}

void GgufWriter::finish() {
    if (m_written != tensorBytes(m_plan))
        throw std::logic_error(
            fmt::format("{} bytes of tensors were written instead of {}.", m_written.load(), tensorBytes(m_plan)));
    close();
    if (::rename(m_part.c_str(), m_path.c_str()) != 0) {
        const int error = errno;
        discard();
        fail(error);
    }
    m_part.clear();
}

void GgufWriter::fail(int error) const {
    throw std::runtime_error(fmt::format("Cannot write the model '{}' of {:.1f} MiB: {}.", m_path.string(),
                                         static_cast<double>(m_plan.fileBytes()) / (1 << 20),
                                         std::generic_category().message(error)));
}

void GgufWriter::writeAt(std::int64_t position, std::span<const std::byte> bytes) const {
    while (!bytes.empty()) {
        const ssize_t count = ::pwrite(m_file, bytes.data(), bytes.size(), position);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            fail(errno);
        position += count;
        bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
}

void GgufWriter::reserve() const {
    const std::int64_t size = m_plan.fileBytes();
    // Reserving what there is not would fill the disk for a moment, and others would fail.
    struct statvfs disk {};
    if (::fstatvfs(m_file, &disk) == 0 && static_cast<std::uint64_t>(size) / disk.f_frsize > disk.f_bavail)
        fail(ENOSPC);
    if (::fallocate(m_file, 0, 0, size) == 0)
        return;
    // Not every file system can reserve; then the first write that finds no room says so.
    if (errno != EOPNOTSUPP && errno != ENOSYS)
        fail(errno);
    if (::ftruncate(m_file, size) != 0)
        fail(errno);
}

void GgufWriter::close() {
    const int result = ::close(m_file);
    const int error = errno;
    m_file = -1;
    if (result != 0)
        fail(error);
}

void GgufWriter::discard() {
    if (m_file >= 0)
        ::close(m_file);
    m_file = -1;
    if (!m_part.empty())
        ::unlink(m_part.c_str());
    m_part.clear();
}

} // namespace moescope::model
