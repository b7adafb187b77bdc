#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace moescope::runtime {

/// Cuts a growing text before the first stop string, which may span several pieces: text that could still become part of one
/// is held back until it is certain. Owned by one answer; engine thread.
class StopFilter {
public:
    explicit StopFilter(std::vector<std::string> stops); ///< empty strings are ignored

    /// The text that is now certain. Nothing more comes after stopped().
    std::string push(std::string_view text);
    bool stopped() const { return m_stopped; }
    /// What was held back, when the answer ends for another reason.
    std::string finish();

private:
    std::size_t heldBack() const;

    std::vector<std::string> m_stops;
    std::string m_pending;
    bool m_stopped = false;
};

} // namespace moescope::runtime
