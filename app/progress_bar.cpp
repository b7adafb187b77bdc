#include "app/progress_bar.h"

#include "app/console.h"

#include <unistd.h>

namespace moescope::app {

bool ProgressBar::wanted() {
    return isatty(STDERR_FILENO) == 1;
}

void ProgressBar::show(std::string_view phase, double share) {
    const auto now = std::chrono::steady_clock::now();
    if (!m_shown || (now - m_drawn < std::chrono::milliseconds(200) && share < 1))
        return;
    m_drawn = now;
    constexpr int kWidth = 24;
    const auto full = static_cast<std::size_t>(share * kWidth);
    const double spent = std::chrono::duration<double>(now - m_began).count();
    const std::string left = share > 0.01 ? fmt::format("about {:.0f} s left", spent / share * (1 - share)) : "";
    say("\r[{}{}] {:3.0f} %  {}  {}      ", std::string(full, '#'), std::string(kWidth - full, '.'), share * 100, phase, left);
    m_open = true;
}

void ProgressBar::end() {
    if (m_open)
        say("\n");
    m_open = false;
}

} // namespace moescope::app
