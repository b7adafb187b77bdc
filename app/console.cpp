#include "app/console.h"

#include <cerrno>
#include <cstdio>
#include <stdexcept>

namespace moescope::app {

void putResult(std::string_view text) {
    errno = 0;
    const bool whole = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
    if (!whole && errno != EPIPE)
        throw std::runtime_error("The output cannot be written; is the disk full?");
}

void putNote(std::string_view text) noexcept {
    std::fwrite(text.data(), 1, text.size(), stderr);
    std::fflush(stderr);
}

} // namespace moescope::app
