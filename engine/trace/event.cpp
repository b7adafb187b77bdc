#include "engine/trace/event.h"

namespace moescope::trace {

TimeNs timeOf(const Event& event) {
    return std::visit(
        [](const auto& e) {
            if constexpr (requires { e.end; })
                return e.end;
            else
                return e.at;
        },
        event);
}

} // namespace moescope::trace
